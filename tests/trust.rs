//! The files that root follows: nobody else may write them.
#![allow(clippy::disallowed_methods)]

use piback::provision::plan::trust::look;
use piback::system::Host;
use piback::system::fake::FakeHost;
use piback::system::run::RunError;
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
    let silent = |tool: &piback::system::run::Tool| Err(RunError::NotFound { program: tool.program.clone() });
    let live = FakeHost::live(root.path(), silent).unwrap();
    let tree = FakeHost::tree(root.path()).unwrap();
    all.iter().for_each(|path| mode(path, 0o755));
    assert_eq!((look(&live).unwrap(), look(&tree).unwrap()), (vec![], vec![]));
    for path in all {
        mode(path, 0o757);
        let refused = look(&live).unwrap_err();
        assert!(refused.to_string().contains("written by others (mode 757)"), "{path}: {refused}");
        assert_eq!(piback::error::hints(&refused), [format!("type: sudo chmod go-w /{path}")]);
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
