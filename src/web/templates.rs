//! The pages' templates, embedded.

use anyhow::anyhow;
use tera::Tera;

const TEMPLATES: [(&str, &str); 13] = [
    ("page.html", include_str!("../../templates/web/page.html")),
    ("home.html", include_str!("../../templates/web/home.html")),
    ("tiles.html", include_str!("../../templates/web/tiles.html")),
    ("door.html", include_str!("../../templates/web/door.html")),
    ("grid.html", include_str!("../../templates/web/grid.html")),
    ("photo.html", include_str!("../../templates/web/photo.html")),
    ("devices.html", include_str!("../../templates/web/devices.html")),
    ("appliance.html", include_str!("../../templates/web/appliance.html")),
    ("poweroff.html", include_str!("../../templates/web/poweroff.html")),
    ("uplink.html", include_str!("../../templates/web/uplink.html")),
    ("trust.html", include_str!("../../templates/web/trust.html")),
    ("ca.mobileconfig", include_str!("../../templates/web/ca.mobileconfig")),
    ("word.html", include_str!("../../templates/web/word.html")),
];

/// All templates, parsed.
pub fn templates() -> anyhow::Result<Tera> {
    let mut tera = Tera::new();
    // What a card calls a file is text, whatever it looks like.
    tera.autoescape_on([".html", ".mobileconfig"]);
    tera.add_raw_templates(TEMPLATES).map_err(|e| anyhow!("the page's templates: {e}"))?;
    Ok(tera)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tera::Context;

    #[test]
    fn the_appliance_s_pages_hold_what_they_are_given_and_no_more() {
        let tera = templates().unwrap();
        let shown = |name: &str, busy: bool| {
            let values = serde_json::json!({
                "host": "pi", "version": "1", "clock": "27 Nov 2026, 18:30", "busy": busy, "checked": true,
                "volumes": ["<script>", "PHOTOS"],
                "checks": [{"line": "power", "level": "unknown", "found": "<b>", "remedy": null}],
            });
            tera.render(name, &Context::from_serialize(&values).unwrap()).unwrap()
        };
        let page = shown("appliance.html", false);
        assert!(
            page.contains("value=\"PHOTOS\"") && page.contains("Eject all") && page.contains("(not known)")
        );
        assert!(!page.contains("<script>\"") && !page.contains("<b><"), "{page}");
        assert!(page.contains("Worth a look") && page.contains("27 Nov 2026"));
        assert!(shown("poweroff.html", false).contains("Switch the appliance off?"));
        assert!(shown("poweroff.html", true).contains("Stop it and switch off"));
    }
}
