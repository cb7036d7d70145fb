//! The two ends of a backup by label: mounted as they must be, checked, and taken off again.

use crate::loops::{Bench, DRIVE, mounted_at, ok};
use piback::error;
use piback::media::ends::{Ends, Need, Request, with};
use piback::profile::{Cascade, Copies};
use piback::ui::Ui;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the command line would say.
struct Typed<'a> {
    label: &'a str,
    source: Option<&'a Path>,
    dest: Option<&'a Path>,
    need: Need,
}

impl Bench {
    fn with<T>(&self, typed: &Typed, body: impl FnOnce(&Ends) -> anyhow::Result<T>) -> anyhow::Result<T> {
        let (media, root) = (self.media(), self.root());
        let request = Request {
            others: &[],
            label: typed.label,
            source: typed.source,
            dest: typed.dest,
            destinations: &[DRIVE.to_owned()],
            copies: Copies::All,
            cascade: Cascade::Auto,
            mount_root: &media,
            root: Some(&root),
            need: typed.need,
        };
        with(&request, &Ui::new("backup", false, false, true), body)
    }

    fn refused(&self, typed: &Typed) -> String {
        let error = self.with(typed, |_| Ok(())).unwrap_err();
        assert!(!self.media().exists() || std::fs::read_dir(self.media()).unwrap().count() == 0);
        format!("{error:#}\n{}", error::hints(&error).join("\n"))
    }
}

const BACKUP: Typed = Typed { label: "PBCARD", source: None, dest: None, need: Need::Backup };

#[test]
fn both_ends_are_mounted_and_taken_off() {
    let Some(mut bench) = Bench::new() else { return };
    let (card, _) = bench.card("PBCARD");
    let (drive, _) = bench.drive();
    bench.enroll();
    let bytes = std::fs::read(&card).unwrap();
    bench
        .with(&BACKUP, |ends| {
            let source = ends.source.as_ref().unwrap();
            assert_eq!(source.dir, bench.media().join("PBCARD"));
            let line = mounted_at(&source.dir).unwrap();
            for option in ["ro", "nosuid", "nodev", "noexec"] {
                assert!(line.split(' ').nth(5).unwrap().split(',').any(|o| o == option), "{option}: {line}");
            }
            assert!(line.contains("norecovery"), "the journal must not be replayed: {line}");
            assert_eq!(std::fs::read(source.dir.join("DCIM/100CANON/IMG_0001.CR3"))?, b"photo");
            let line = mounted_at(&ends.dest.dir).unwrap();
            assert!(line.split(' ').nth(5).unwrap().starts_with("rw,nosuid,nodev,noexec"), "{line}");
            std::fs::write(ends.dest.dir.join("file"), "backed up")?;
            Ok(())
        })
        .unwrap();
    assert_eq!(std::fs::read_dir(bench.media()).unwrap().count(), 0, "the folders go too");
    assert_eq!(std::fs::read(&card).unwrap(), bytes, "the card was written to");
    bench.look(&drive, |at| assert_eq!(std::fs::read(at.join("file")).unwrap(), b"backed up"));

    // The body's failure is what is reported, and both are taken off all the same.
    let error = bench.with(&BACKUP, |_| -> anyhow::Result<()> { anyhow::bail!("card pulled") }).unwrap_err();
    assert_eq!(error.to_string(), "card pulled");
    assert_eq!(std::fs::read_dir(bench.media()).unwrap().count(), 0);
}

#[test]
fn a_card_whose_journal_is_dirty_is_not_written() {
    let Some(mut bench) = Bench::new() else { return };
    let image = bench.path("dirty.img");
    let clean = bench.image("clean.img", "PBDIRTY", |_| {});
    // A copy of the image while it is mounted, as if the camera's battery had died.
    let at = bench.path("live");
    std::fs::create_dir(&at).unwrap();
    ok(Command::new("mount").args(["-o", "loop"]).arg(&clean).arg(&at));
    std::fs::write(at.join("IMG.JPG"), "photo").unwrap();
    ok(Command::new("sync").arg("-f").arg(&at));
    std::fs::copy(&clean, &image).unwrap();
    ok(Command::new("umount").arg(&at));
    let state = ok(Command::new("dumpe2fs").arg("-h").arg(&image));
    assert!(String::from_utf8_lossy(&state.stdout).contains("needs_recovery"), "the image is not dirty");
    bench.plug(&image, &[]);
    let bytes = std::fs::read(&image).unwrap();
    let dest = bench.path("plain");
    std::fs::create_dir(&dest).unwrap();
    let typed = Typed { label: "PBDIRTY", dest: Some(&dest), ..BACKUP };
    bench
        .with(&typed, |ends| {
            assert!(ends.source.as_ref().unwrap().volume.is_some());
            Ok(())
        })
        .unwrap();
    assert_eq!(std::fs::read(&image).unwrap(), bytes, "the journal was replayed");
}

#[test]
fn ntfs_and_exfat_are_mounted_by_the_kernel_or_by_fuse() {
    let Some(mut bench) = Bench::new() else { return };
    let ntfs = bench.formatted(&["mkntfs", "-q", "-F", "-L", "PBNTFS"], "ntfs-3g");
    let exfat = bench.formatted(&["mkfs.exfat", "-L", DRIVE], "exfatprogs");
    let (Some((card, _)), Some((drive, _))) = (ntfs, exfat) else { return };
    bench.enroll();
    let (bytes, before) = (std::fs::read(&card).unwrap(), std::fs::read(&drive).unwrap());
    let typed = Typed { label: "PBNTFS", ..BACKUP };
    bench
        .with(&typed, |ends| {
            let source = mounted_at(&ends.source.as_ref().unwrap().dir).unwrap();
            assert!(source.contains(" ro,nosuid,nodev,noexec,noatime "), "{source}");
            let dest = mounted_at(&ends.dest.dir).unwrap();
            assert!(dest.contains(" rw,nosuid,nodev,noexec,noatime "), "{dest}");
            assert!(std::fs::write(ends.source.as_ref().unwrap().dir.join("x"), "x").is_err());
            Ok(std::fs::write(ends.dest.dir.join("file"), "backed up")?)
        })
        .unwrap();
    assert_eq!(std::fs::read(&card).unwrap(), bytes, "the card was written to");
    assert_ne!(std::fs::read(&drive).unwrap(), before);
    assert_eq!(std::fs::read_dir(bench.media()).unwrap().count(), 0);
    let typed = Typed { need: Need::Drive, ..BACKUP };
    let kept = bench.with(&typed, |ends| Ok(std::fs::read(ends.dest.dir.join("file"))?)).unwrap();
    assert_eq!(kept, b"backed up");
}

#[test]
fn verify_writes_its_findings_where_the_drive_lets() {
    let Some(mut bench) = Bench::new() else { return };
    let (image, device) = bench.drive();
    bench.enroll();
    let typed = Typed { need: Need::Drive, ..BACKUP };
    let write = |ends: &Ends| {
        assert!(ends.source.is_none());
        Ok(std::fs::write(ends.dest.dir.join("file"), "x")?)
    };
    bench.with(&typed, write).unwrap();
    bench.unplug(&device);
    bench.plug(&image, &["--read-only"]);
    let error = bench.with(&typed, write).unwrap_err();
    assert_eq!(
        error.downcast_ref::<std::io::Error>().unwrap().kind(),
        std::io::ErrorKind::ReadOnlyFilesystem
    );
    // `safe-to-format` never writes.
    bench.card("PBCARD");
    let compare = Typed { need: Need::Compare, ..BACKUP };
    bench
        .with(&compare, |ends| {
            assert!(std::fs::write(ends.dest.dir.join("file"), "x").is_err());
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_volume_that_is_mounted_is_used_there_and_left_there() {
    let Some(mut bench) = Bench::new() else { return };
    let (_, device) = bench.card("PBCARD");
    bench.drive();
    bench.enroll();
    let at = bench.path("desk top");
    std::fs::create_dir(&at).unwrap();
    ok(Command::new("mount").args(["-o", "ro"]).arg(&device).arg(&at));
    bench
        .with(&BACKUP, |ends| {
            assert_eq!(ends.source.as_ref().unwrap().dir, at);
            Ok(())
        })
        .unwrap();
    assert!(at.join("DCIM").is_dir(), "piback took off what it had not mounted");
    ok(Command::new("umount").arg(&at));
}

#[test]
fn a_volume_in_use_is_reported_and_not_hidden() {
    let Some(mut bench) = Bench::new() else { return };
    bench.card("PBCARD");
    bench.drive();
    bench.enroll();
    let mut held = None;
    let error = bench
        .with(&BACKUP, |ends| {
            held = Some(std::fs::File::create(ends.dest.dir.join("open"))?);
            Ok(())
        })
        .unwrap_err();
    assert!(error.to_string().contains("is still mounted"), "{error:#}");
    assert!(error::hints(&error)[0].contains("don't unplug"), "{:?}", error::hints(&error));
    assert!(mounted_at(&bench.media().join(DRIVE)).is_some());
    assert!(mounted_at(&bench.media().join("PBCARD")).is_none(), "the other end is taken off");
    drop(held);
    // The next run finds it mounted, and works.
    bench
        .with(&BACKUP, |ends| {
            assert_eq!(ends.dest.dir, bench.media().join(DRIVE));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_place_that_lost_its_volume_is_seen_by_its_device() {
    let Some(mut bench) = Bench::new() else { return };
    bench.card("PBCARD");
    bench.drive();
    bench.enroll();
    bench
        .with(&BACKUP, |ends| {
            let now = |dir: &Path| std::os::unix::fs::MetadataExt::dev(&std::fs::metadata(dir).unwrap());
            assert_eq!(now(&ends.dest.dir), ends.dest.device);
            let held = Command::new("umount").arg(&ends.dest.dir).output()?;
            assert!(!held.status.success(), "a volume in use could be taken off by mistake");
            // As udev does after the plug was pulled.
            ok(Command::new("umount").arg("-l").arg(&ends.dest.dir));
            assert_ne!(now(&ends.dest.dir), ends.dest.device, "the empty mountpoint passes for the drive");
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_drive_must_be_the_enrolled_one() {
    let Some(mut bench) = Bench::new() else { return };
    bench.card("PBCARD");
    assert!(bench.refused(&BACKUP).contains(&format!("no drive labelled {DRIVE}")));
    let (image, device) = bench.drive();
    let said = bench.refused(&BACKUP);
    assert!(said.contains("is not enrolled") && said.contains(&format!(" enroll {DRIVE}")), "{said}");
    bench.enroll();
    bench.with(&BACKUP, |_| Ok(())).unwrap();

    let at = bench.path("change");
    std::fs::create_dir_all(&at).unwrap();
    let change = |command: &str| {
        ok(Command::new("mount").arg(&device).arg(&at));
        ok(Command::new("sh").args(["-ec", command]).current_dir(&at));
        ok(Command::new("umount").arg(&at));
    };
    change("mkdir dcim");
    assert!(bench.refused(&BACKUP).contains("camera's card"));
    change("rmdir dcim; mv .piback/drive.json .piback/gone");
    assert!(bench.refused(&BACKUP).contains("lost its marker"));
    change(
        "sed s/\\\"id.*,/\\\"id\\\":\\\"0123456789abcdef0123456789abcdef\\\",/ .piback/gone > .piback/drive.json",
    );
    assert!(bench.refused(&BACKUP).contains("another drive's marker"));
    change("echo '{' > .piback/drive.json");
    assert!(bench.refused(&BACKUP).contains("not a drive's marker"));
    change("mv .piback/gone .piback/drive.json");
    bench.with(&BACKUP, |_| Ok(())).unwrap();

    // Another stick of the same label, everything copied over to it: the volume id is another one.
    let copied = bench.look(&image, |at| std::fs::read(at.join(".piback/drive.json")).unwrap());
    bench.unplug(&device);
    let other = bench.image("other.img", DRIVE, |at| {
        std::fs::create_dir(at.join(".piback")).unwrap();
        std::fs::write(at.join(".piback/drive.json"), copied).unwrap();
    });
    bench.plug(&other, &[]);
    assert!(bench.refused(&BACKUP).contains("is not enrolled"));
}

#[test]
fn card_and_drive_are_not_mistaken_for_each_other() {
    let Some(mut bench) = Bench::new() else { return };
    let (_, drive) = bench.drive();
    bench.enroll();
    let swapped = Typed { label: DRIVE, ..BACKUP };
    assert!(bench.refused(&swapped).contains("is a drive that receives backups"));
    let by_device = Typed { source: Some(&drive), ..BACKUP };
    assert!(bench.refused(&by_device).contains("is the drive that receives backups"));
    let root = root_device();
    let system = Typed { source: Some(&root), ..BACKUP };
    let said = bench.refused(&system);
    assert!(said.contains("runs from") || said.contains("no volume"), "{said}");
}

#[test]
fn two_cards_of_one_label_are_told_apart_by_device_only() {
    let Some(mut bench) = Bench::new() else { return };
    let (_, first) = bench.card("PBCARD");
    let (_, second) = bench.card("PBCARD");
    bench.drive();
    bench.enroll();
    let said = bench.refused(&BACKUP);
    assert!(said.contains("more than one volume is labelled PBCARD"), "{said}");
    for device in [&first, &second] {
        assert!(said.contains(&format!("PBCARD: {}, 34 MB", device.display())), "{said}");
    }
    let chosen = Typed { source: Some(&second), ..BACKUP };
    bench
        .with(&chosen, |ends| {
            let volume = ends.source.as_ref().unwrap().volume.as_ref().unwrap();
            assert_eq!(volume.device(), second);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_folder_in_the_way_is_left_alone() {
    let Some(mut bench) = Bench::new() else { return };
    bench.card("PBCARD");
    bench.drive();
    bench.enroll();
    // Someone's own files where the card would be mounted, and a symlink where the drive would.
    std::fs::create_dir_all(bench.media().join("PBCARD")).unwrap();
    std::fs::write(bench.media().join("PBCARD/mine"), "x").unwrap();
    let elsewhere = bench.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, bench.media().join(DRIVE)).unwrap();
    bench
        .with(&BACKUP, |ends| {
            for dir in [&ends.source.as_ref().unwrap().dir, &ends.dest.dir] {
                let name = dir.file_name().unwrap().to_str().unwrap();
                assert!(name.starts_with("piback-loop"), "{name}");
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(std::fs::read(bench.media().join("PBCARD/mine")).unwrap(), b"x");
    assert_eq!(std::fs::read_dir(bench.media()).unwrap().count(), 2);
}

#[test]
fn plain_folders_need_no_volume() {
    let Some(bench) = Bench::new() else { return };
    let (source, dest) = (bench.path("s"), bench.path("d"));
    std::fs::create_dir(&source).unwrap();
    let typed = Typed { label: "ANY", source: Some(&source), dest: Some(&dest), need: Need::Backup };
    assert!(bench.refused(&typed).contains("is no folder to use"));
    std::fs::create_dir(&dest).unwrap();
    bench
        .with(&typed, |ends| {
            assert_eq!(ends.source.as_ref().unwrap().dir, source.canonicalize()?);
            assert!(ends.dest.volume.is_none());
            Ok(())
        })
        .unwrap();
}

fn root_device() -> PathBuf {
    let line = mounted_at(Path::new("/")).unwrap();
    PathBuf::from(line.split(" - ").nth(1).unwrap().split(' ').nth(1).unwrap())
}
