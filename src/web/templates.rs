//! The pages' templates, embedded.

use anyhow::anyhow;
use tera::Tera;

const TEMPLATES: [(&str, &str); 10] = [
    ("page.html", include_str!("../../templates/web/page.html")),
    ("home.html", include_str!("../../templates/web/home.html")),
    ("tiles.html", include_str!("../../templates/web/tiles.html")),
    ("door.html", include_str!("../../templates/web/door.html")),
    ("grid.html", include_str!("../../templates/web/grid.html")),
    ("photo.html", include_str!("../../templates/web/photo.html")),
    ("devices.html", include_str!("../../templates/web/devices.html")),
    ("appliance.html", include_str!("../../templates/web/appliance.html")),
    ("poweroff.html", include_str!("../../templates/web/poweroff.html")),
    ("word.html", include_str!("../../templates/web/word.html")),
];

/// All templates, parsed.
pub fn templates() -> anyhow::Result<Tera> {
    let mut tera = Tera::new();
    // What a card calls a file is text, whatever it looks like.
    tera.autoescape_on([".html"]);
    tera.add_raw_templates(TEMPLATES).map_err(|e| anyhow!("the page's templates: {e}"))?;
    Ok(tera)
}
