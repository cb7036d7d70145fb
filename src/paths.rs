//! Paths of piback's own on a host.

/// The folder of what the user writes.
pub const CONFIG: &str = "/etc/piback";
/// The profile, unless `--profile` names another one.
pub const PROFILE: &str = "/etc/piback/profile.yaml";
/// The profile that `init --force` wrote over.
pub const PROFILE_BEFORE: &str = "/etc/piback/profile.yaml.before";
/// The password of the remote screen, mode 0600.
pub const SCREEN_PASSWORD: &str = "/etc/piback/secrets/screen-password";
/// Templates of the user's, which take the place of piback's own.
pub const TEMPLATES: &str = "/etc/piback/templates";

/// The folder of piback's state, 0700.
pub const STATE: &str = "/var/lib/piback";
/// A file that is locked by the one process that changes the host.
pub const LOCK: &str = "/var/lib/piback/lock";
/// Originals: what stood at each path before piback came.
pub const ORIGINALS: &str = "/var/lib/piback/originals";
pub const ORIGINAL_FILES: &str = "/var/lib/piback/originals/files";
pub const ORIGINALS_INDEX: &str = "/var/lib/piback/originals/index.json";
/// The index once more, for the day on which the first is damaged.
pub const ORIGINALS_COPY: &str = "/var/lib/piback/originals/index-copy.json";
/// Records of what each apply put there.
pub const GENERATIONS: &str = "/var/lib/piback/generations";
/// A hash for each unit of the files that it was last started with.
pub const ACTIVATED: &str = "/var/lib/piback/activated.json";
/// The journal of an apply, there as long as it is open.
pub const JOURNAL: &str = "/var/lib/piback/journal";
pub const INTENT: &str = "/var/lib/piback/journal/intent.json";
/// Room on the disk that an undo needs.
pub const RESERVE: &str = "/var/lib/piback/journal/reserve";
/// Edits that came between an apply that was cut off and its undoing.
pub const EDITED: &str = "/var/lib/piback/edited";
/// Jobs that were asked for, run, and are over.
pub const JOBS: &str = "/var/lib/piback/jobs.json";
/// Browsers that are let in to the page.
pub const GUESTS: &str = "/var/lib/piback/guests.json";
/// The key and the certificate of the authority that the page's browsers trust.
pub const AUTHORITY: &str = "/var/lib/piback/authority.pem";
/// The page's own key and certificate, and the authority's certificate.
pub const CERTIFICATE: &str = "/var/lib/piback/certificate.pem";
/// Invitations to the page: they end with this boot.
pub const INVITATIONS: &str = "/run/piback/invitations.json";
/// The socket of whoever keeps the jobs.
pub const CONTROL: &str = "/run/piback-control.sock";
/// The list of enrolled drives.
pub const DRIVES: &str = "/var/lib/piback/drives.json";
/// The memory of which drive lacks what of which card.
pub const WAITING: &str = "/var/lib/piback/waiting.json";
/// A file that is locked while the list is read and written.
pub const DRIVES_LOCK: &str = "/var/lib/piback/drives.lock";

/// The boot file that was taken over: its hash, and which secrets were made here.
pub const BOOT: &str = "/var/lib/piback/boot.json";
/// A boot file's taking over, there as long as it is open: what it replaced.
pub const BOOT_OPEN: &str = "/var/lib/piback/boot-open.json";

/// Directories in which a killed process may leave a half-written file of the state.
pub const STATE_DIRS: [&str; 4] = [STATE, ORIGINALS, ORIGINAL_FILES, GENERATIONS];
