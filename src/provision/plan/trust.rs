//! The files that root follows: profile, templates and their folders. Whoever can write them decides what root does.

use crate::error::Problem;
use crate::paths::{PROFILE, TEMPLATES};
use crate::system::{Host, Node};
use crate::ui::visible;
use anyhow::Context;

/// Links in a row before they are taken for a circle (the kernel's own limit, path_resolution(7)).
const MOST_LINKS: usize = 40;

/// A path that others can write, in words, and the command that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    found: String,
    remedy: String,
}

/// Looks at the profile, at the user's templates and at their folders. What others can write is an error on a running
/// host, where root would follow it, and a note on a tree. Whose they are is asked by root alone: nobody else can give
/// a tree's files to root.
///
/// # Errors
/// Root would follow somebody else's words; or a path can't be looked at.
pub fn look(host: &dyn Host) -> anyhow::Result<Vec<String>> {
    let folder = PROFILE.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let mut paths = vec![folder.to_owned(), PROFILE.to_owned(), TEMPLATES.to_owned()];
    let names = host.list(TEMPLATES).with_context(|| format!("{TEMPLATES} can't be read"))?;
    paths.extend(names.into_iter().map(|name| format!("{TEMPLATES}/{name}")));
    let mut open = Vec::new();
    for path in paths {
        open.extend(others_can_write(host, &path)?);
    }
    if open.is_empty() || !host.is_live() {
        return Ok(open.into_iter().map(|open| open.found).collect());
    }
    let found: Vec<&str> = open.iter().map(|open| open.found.as_str()).collect();
    let problem = Problem::failed(format!("{}; root does nothing by it", found.join("; ")));
    Err(open.iter().fold(problem, |problem, open| problem.hint(format!("type: {}", open.remedy))).into())
}

fn others_can_write(host: &dyn Host, path: &str) -> anyhow::Result<Option<Open>> {
    let (mut at, shown) = (path.to_owned(), visible(path));
    for _ in 0..MOST_LINKS {
        let node = host.read(&at).with_context(|| format!("{shown} can't be looked at"))?;
        let (mode, uid, gid) = match node {
            Node::Link { target } => {
                let folder = at.rsplit_once('/').map_or("", |(folder, _)| folder);
                at = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
                continue;
            }
            Node::File(file) => (file.mode, file.uid, file.gid),
            Node::Dir { mode, uid, gid } => (mode, uid, gid),
            Node::Absent | Node::Special => return Ok(None),
        };
        let leads =
            if at == path { shown.clone() } else { format!("{shown} leads to {}, and", visible(&at)) };
        let at = visible(&at);
        let is_root = host.can_chown();
        return Ok(if is_root && uid != 0 {
            Some(Open {
                found: format!("{leads} belongs to user {uid}"),
                remedy: format!("sudo chown root {at}"),
            })
        } else if mode & 0o002 != 0 || (is_root && mode & 0o020 != 0 && gid != 0) {
            Some(Open {
                found: format!("{leads} can be written by others (mode {mode:o})"),
                remedy: format!("sudo chmod go-w {at}"),
            })
        } else {
            None
        });
    }
    Ok(None)
}
