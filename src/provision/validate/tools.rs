//! The tools' part: the staged files are laid out in a private directory, and each daemon's own test reads them there.

use crate::provision::components::component::{Checker, Ownership};
use crate::provision::components::dnsmasq::{CONF, FOLDER};
use crate::provision::desired::artifact::{Artifact, Secrets};
use crate::provision::text::comment_out;
use crate::provision::validate::result::{Validation, ValidationResult, checker, text};
use crate::system::Host;
use crate::system::run::{RunError, Tool};
use crate::system::scratch::Scratch;
use anyhow::Context;
use std::path::Path;

pub fn run(
    host: &dyn Host,
    artifacts: &[Artifact],
    secrets: Option<&Secrets>,
) -> anyhow::Result<Vec<Validation>> {
    if !host.is_live() {
        let skipped = |a: &&Artifact| tool_name(checker(a)).is_some();
        let why = "no tool runs with --root";
        let check = |a: &Artifact| {
            let by = tool_name(checker(a)).unwrap_or_default();
            Validation::new(by, &a.path, ValidationResult::NotChecked(why.into()))
        };
        return Ok(artifacts.iter().filter(skipped).map(check).collect());
    }
    let stage = Scratch::new().context("no private directory for the check can be made")?;
    for artifact in
        artifacts.iter().filter(|a| a.ownership == Ownership::Whole && tool_name(checker(a)).is_some())
    {
        let bytes = text(artifact, secrets).into_bytes();
        stage.write(&artifact.path, &bytes).with_context(|| format!("{} can't be staged", artifact.path))?;
    }
    if artifacts.iter().any(|artifact| checker(artifact) == Checker::Dnsmasq) {
        stage_dnsmasq(host, &stage, artifacts)?;
    }
    Ok(artifacts.iter().filter_map(|artifact| check(host, stage.path(), artifact, secrets)).collect())
}

/// Lays others' files of dnsmasq beside piback's: it reads them as one, and one line may not go with another's.
fn stage_dnsmasq(host: &dyn Host, stage: &Scratch, artifacts: &[Artifact]) -> anyhow::Result<()> {
    let names = host.list(FOLDER).with_context(|| format!("{FOLDER} can't be read"))?;
    let others = names.iter().map(|name| format!("{FOLDER}/{name}"));
    let own = |path: &String| artifacts.iter().any(|a| a.path == *path && a.ownership == Ownership::Whole);
    for path in others.filter(|path| !own(path)).chain([CONF.to_owned()]) {
        let bytes = host.read_followed(&path).with_context(|| format!("{path} can't be read"))?;
        let lines = artifacts.iter().find(|artifact| artifact.path == path);
        let bytes = match (bytes, lines) {
            (Some(bytes), Some(lines)) => comment_out::put(&bytes, &lines.commented_out),
            (Some(bytes), None) => bytes,
            // The main file has to be there for the test.
            (None, _) if path == CONF => Vec::new(),
            (None, _) => continue,
        };
        // A main file that names the folder itself means the staged one.
        let staged = format!("{}{FOLDER}", stage.path().display());
        let text = String::from_utf8_lossy(&bytes).replace(FOLDER, &staged);
        stage.write(&path, text.as_bytes()).with_context(|| format!("{path} can't be staged"))?;
    }
    Ok(())
}

fn check(
    host: &dyn Host,
    stage: &Path,
    artifact: &Artifact,
    secrets: Option<&Secrets>,
) -> Option<Validation> {
    let file = stage.join(artifact.path.trim_start_matches('/'));
    let kind = checker(artifact);
    let by = tool_name(kind)?;
    let tool = match kind {
        Checker::Dnsmasq => {
            // As Debian's unit starts it. It takes `--conf-file=FILE` only, not as two arguments.
            let staged = |option: &str, path: &str, end: &str| {
                let mut word = std::ffi::OsString::from(option);
                word.push(stage.join(path.trim_start_matches('/')));
                word.push(end);
                word
            };
            let conf = staged("--conf-file=", CONF, "");
            let dir = staged("--conf-dir=", FOLDER, ",.dpkg-dist,.dpkg-old,.dpkg-new");
            Tool::new(by).arg("--test").arg(conf).arg(dir)
        }
        Checker::Samba => Tool::new(by).args(["--suppress-prompt", "--parameter-name=workgroup"]).arg(&file),
        Checker::Iptables | Checker::Ip6tables => {
            // Loaded for real, into a network namespace that ends with the tool: `--test` passes rules that name
            // chains which are not there (seen with iptables 1.8.9).
            let load = Tool::new("unshare").args(["--net", by, "--noflush"]);
            load.stdin(text(artifact, secrets).into_bytes())
        }
        Checker::Unit => {
            // A drop-in is read with the unit that it belongs to, which has to be installed for that.
            let unit = match file.parent().and_then(Path::extension) {
                Some(d) if d == "d" => file.parent()?.file_stem()?.into(),
                _ => file.clone().into_os_string(),
            };
            let path = format!("{}:", stage.join("etc/systemd/system").display());
            Tool::new(by).args(["--man=no", "verify"]).arg(unit).env("SYSTEMD_UNIT_PATH", &path)
        }
        Checker::Hostapd | Checker::Sysctl | Checker::Wayvnc | Checker::None => return None,
    };
    let result = match host.output(&tool) {
        Err(RunError::NotFound { .. }) => ValidationResult::NotChecked(format!("{by} is not installed")),
        Err(e) => ValidationResult::NotChecked(e.to_string()),
        Ok(output) => {
            // What `unshare` and `env` say of a tool that is not there.
            if output.code == Some(127) {
                let why = format!("{by} is not installed");
                return Some(Validation::new(by, &artifact.path, ValidationResult::NotChecked(why)));
            }
            let said = output.stderr.replace(&*stage.to_string_lossy(), "");
            judge(kind, &artifact.path, output.code == Some(0), &said)
        }
    };
    Some(Validation::new(by, &artifact.path, result))
}

/// Turns what a tool said into a result. Not every tool's exit code tells.
fn judge(kind: Checker, path: &str, zero: bool, said: &str) -> ValidationResult {
    let lines =
        |pick: &dyn Fn(&&str) -> bool| said.lines().filter(|l| pick(l)).collect::<Vec<_>>().join(" / ");
    match kind {
        // testparm ends with 0 whatever it ignored.
        Checker::Samba => {
            let complaints = lines(&|l| {
                let l = l.to_lowercase();
                ["unknown parameter", "ignoring", "error", "invalid", "can't find"]
                    .iter()
                    .any(|w| l.contains(w))
            });
            match (zero, complaints.is_empty()) {
                (true, true) => ValidationResult::Passed,
                (_, false) => ValidationResult::Failed(complaints),
                (false, true) => ValidationResult::Failed(lines(&|_| true)),
            }
        }
        // systemd-analyze also tells of units of others; and of tools that are installed only later.
        Checker::Unit => {
            let missing = lines(&|l| l.contains("not found") || l.contains("is not executable"));
            let name = path.rsplit('/').next().filter(|name| name.ends_with(".service"));
            let ours = lines(&|l| l.contains(path) || name.is_some_and(|name| l.contains(name)));
            match (missing.is_empty(), ours.is_empty()) {
                (false, _) => ValidationResult::NotChecked(missing),
                (true, false) => ValidationResult::Failed(ours),
                (true, true) if zero => ValidationResult::Passed,
                (true, true) => ValidationResult::NotChecked(lines(&|l| !l.trim().is_empty())),
            }
        }
        _ if zero => ValidationResult::Passed,
        _ => ValidationResult::Failed(lines(&|l| !l.trim().is_empty())),
    }
}

fn tool_name(kind: Checker) -> Option<&'static str> {
    match kind {
        Checker::Dnsmasq => Some("dnsmasq"),
        Checker::Samba => Some("testparm"),
        Checker::Iptables => Some("iptables-restore"),
        Checker::Ip6tables => Some("ip6tables-restore"),
        Checker::Unit => Some("systemd-analyze"),
        Checker::Hostapd | Checker::Sysctl | Checker::Wayvnc | Checker::None => None,
    }
}
