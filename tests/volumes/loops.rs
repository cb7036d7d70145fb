//! Cards and drives of the test: image files behind loop devices, on the running kernel.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The kernel's loop devices and mounts are one for all tests.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A scratch folder with images, and a tree below it whose profile, records and runs are piback's: a device is no tree's, so
/// piback runs on the host itself, in a view of its own (see [`SCRIPT`]).
pub struct Bench {
    pub dir: tempfile::TempDir,
    loops: Vec<PathBuf>,
    _alone: MutexGuard<'static, ()>,
}

impl Bench {
    /// `None`, said aloud, where loop devices can't be had.
    pub fn new() -> Option<Bench> {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let found = Command::new("losetup").arg("-f").output();
        if !found.is_ok_and(|o| o.status.success()) {
            skip("no loop devices here (they need root); volumes were not tested");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("piback-volumes-").tempdir().unwrap();
        let bench = Bench { dir, loops: Vec::new(), _alone: alone };
        // What is mounted below it is seen outside of that view.
        ok(Command::new("mount").arg("--bind").args([bench.dir.path(); 2]));
        ok(Command::new("mount").arg("--make-shared").arg(bench.dir.path()));
        for dir in ["var/lib", "run"] {
            std::fs::create_dir_all(bench.root().join(dir)).unwrap();
        }
        let profile = piback::profile::embedded("travel").unwrap();
        let profile =
            profile.replace("PHOTOS", DRIVE).replace("/media/piback", bench.media().to_str().unwrap());
        std::fs::create_dir_all(bench.root().join("etc/piback")).unwrap();
        std::fs::write(bench.root().join("etc/piback/profile.yaml"), profile).unwrap();
        Some(bench)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// The folder that piback mounts below.
    pub fn media(&self) -> PathBuf {
        self.path("media")
    }

    /// An image with an ext4 file system of this label, filled by `fill`.
    pub fn image(&self, name: &str, label: &str, fill: impl FnOnce(&Path)) -> PathBuf {
        let (image, at) = (self.path(name), self.path("fill"));
        std::fs::File::create(&image).unwrap().set_len(32 << 20).unwrap();
        ok(Command::new("mkfs.ext4").args(["-q", "-L", label]).arg(&image));
        std::fs::create_dir_all(&at).unwrap();
        ok(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&at));
        fill(&at);
        ok(Command::new("umount").arg(&at));
        image
    }

    /// Plugs an image in; the device.
    pub fn plug(&mut self, image: &Path, options: &[&str]) -> PathBuf {
        let output = ok(Command::new("losetup").args(["--show", "-f"]).args(options).arg(image));
        let device = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        self.loops.push(device.clone());
        device
    }

    /// Plugs in an empty volume that this tool formats. `None`, said aloud, where the tool is missing.
    pub fn formatted(&mut self, tool: &[&str], package: &str) -> Option<(PathBuf, PathBuf)> {
        let image = self.path(&format!("{}.img", tool[0]));
        std::fs::File::create(&image).unwrap().set_len(64 << 20).unwrap();
        match Command::new(tool[0]).args(&tool[1..]).arg(&image).output() {
            Ok(output) => assert!(output.status.success(), "{}", stderr(&output)),
            Err(_) => {
                skip(&format!("{} is missing (package {package})", tool[0]));
                return None;
            }
        }
        let device = self.plug(&image, &[]);
        Some((image, device))
    }

    pub fn unplug(&mut self, device: &Path) {
        ok(Command::new("losetup").arg("-d").arg(device));
        self.loops.retain(|d| d != device);
    }

    /// Plugs in a card with one photo.
    pub fn card(&mut self, label: &str) -> (PathBuf, PathBuf) {
        let image = self.image(&format!("card{}.img", self.loops.len()), label, |at| {
            std::fs::create_dir_all(at.join("DCIM/100CANON")).unwrap();
            std::fs::write(at.join("DCIM/100CANON/IMG_0001.CR3"), b"photo").unwrap();
        });
        let device = self.plug(&image, &[]);
        (image, device)
    }

    /// Plugs in an empty drive with the label that the profile names.
    pub fn drive(&mut self) -> (PathBuf, PathBuf) {
        let image = self.image("drive.img", DRIVE, |_| {});
        let device = self.plug(&image, &[]);
        (image, device)
    }

    pub fn enroll(&self) {
        let output = self.piback(&["enroll", DRIVE, "--yes"]);
        assert!(output.status.success(), "{output:?}");
    }

    pub fn piback(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "unchanged", "sh", "-ec", SCRIPT]).arg(self.root());
        command.arg(env!("CARGO_BIN_EXE_piback")).arg("--profile");
        command.arg(self.root().join("etc/piback/profile.yaml")).args(args);
        command
    }

    /// Shows what is on an image.
    pub fn look<T>(&self, image: &Path, look: impl FnOnce(&Path) -> T) -> T {
        let at = self.path("look");
        std::fs::create_dir_all(&at).unwrap();
        ok(Command::new("mount").args(["-o", "loop,ro,noload"]).arg(image).arg(&at));
        let seen = look(&at);
        ok(Command::new("umount").arg(&at));
        seen
    }
}

/// Says aloud that something was not tested; with `CI` set that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "not tested: {why}");
    // Not eprintln, which the harness swallows: a skip must be seen.
    #[allow(clippy::explicit_write)]
    writeln!(std::io::stderr(), "SKIPPED: {why}").unwrap();
}

/// The tree's records and runs in place of the host's, for this process alone.
const SCRIPT: &str = r#"
for at in / /run /var /var/lib; do mount --make-private $at 2>/dev/null || :; done
mount --bind "$0/var/lib" /var/lib
mount --bind "$0/run" /run
exec "$@"
"#;

pub const DRIVE: &str = "PIBACKTEST";

impl Drop for Bench {
    fn drop(&mut self) {
        // What a failed test left mounted, the innermost first.
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let ours =
            |l: &&str| l.split(' ').nth(4).is_some_and(|at| Path::new(at).starts_with(self.dir.path()));
        let places = mounts.lines().filter(ours).map(|line| Path::new(line.split(' ').nth(4).unwrap()));
        let own = self.dir.path();
        for at in places.filter(|at| *at != own).collect::<Vec<_>>().iter().rev() {
            let _ = Command::new("umount").arg(at).status();
        }
        for device in &self.loops {
            let _ = Command::new("losetup").arg("-d").arg(device).status();
        }
        // Loop devices let go of their images when they like.
        let _ = Command::new("umount").arg("--lazy").arg(own).status();
    }
}

pub fn ok(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The line of mountinfo for this place.
pub fn mounted_at(at: &Path) -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    text.lines().find(|l| l.split(' ').nth(4) == at.to_str()).map(str::to_owned)
}
