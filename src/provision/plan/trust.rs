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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the test makes the tree that is looked at")]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::run::RunError;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    #[test]
    fn what_others_can_write_is_refused_on_a_running_host_and_said_of_a_tree() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("etc/piback/templates")).unwrap();
        std::fs::create_dir(at("home")).unwrap();
        let paths = ["home/own.yaml", "etc/piback/templates/sysctl.conf"];
        for path in paths {
            std::fs::write(at(path), "x\n").unwrap();
        }
        symlink("/home/own.yaml", at("etc/piback/profile.yaml")).unwrap();
        let mode = |path: &str, mode| {
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let all = ["etc/piback", "etc/piback/templates", paths[0], paths[1]];
        let silent =
            |tool: &crate::system::run::Tool| Err(RunError::NotFound { program: tool.program.clone() });
        let live = FakeHost::live(root.path(), silent).unwrap();
        let tree = FakeHost::tree(root.path()).unwrap();
        all.iter().for_each(|path| mode(path, 0o755));
        assert_eq!((look(&live).unwrap(), look(&tree).unwrap()), (vec![], vec![]));
        for path in all {
            mode(path, 0o757);
            let refused = look(&live).unwrap_err();
            assert!(refused.to_string().contains("written by others (mode 757)"), "{path}: {refused}");
            assert_eq!(crate::error::hints(&refused), [format!("type: sudo chmod go-w /{path}")]);
            assert_eq!(look(&tree).unwrap().len(), 1, "{path}");
            mode(path, 0o755);
            if live.can_chown() {
                chown(at(path), Some(1000), Some(0)).unwrap();
                let refused = look(&live).unwrap_err().to_string();
                assert!(refused.contains("belongs to user 1000"), "{path}: {refused}");
                chown(at(path), Some(0), Some(50)).unwrap();
                assert!(look(&live).is_ok(), "a group that can't write");
                mode(path, 0o775);
                assert!(look(&live).is_err(), "{path}: a group that can");
                chown(at(path), Some(0), Some(0)).unwrap();
                assert!(look(&live).is_ok(), "root's own group");
                mode(path, 0o755);
            }
        }
        // A circle is nobody's profile, and reading it says so.
        std::fs::remove_file(at(paths[0])).unwrap();
        symlink("/etc/piback/profile.yaml", at(paths[0])).unwrap();
        assert!(look(&live).is_ok());
    }
}
