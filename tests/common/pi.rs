//! A live Pi whose tools are played by a small model of systemd, dpkg, ifupdown, iptables and Samba. The model looks at
//! the files that are there when it is asked, as the daemons do; the lab runs the real ones.
#![allow(dead_code, clippy::disallowed_methods)]

use crate::common::{Snapshot, Tree};
use piback::profile::types::Passphrase;
use piback::profile::{EMBEDDED, Profile, load};
use piback::provision::adopt;
use piback::provision::apply::watchdog::Window;
use piback::provision::apply::{self, Options};
use piback::provision::components::COMPONENTS;
use piback::provision::components::component::{On, Protocol};
use piback::provision::desired::Desired;
use piback::provision::desired::artifact::Secrets;
use piback::provision::desired::expected::Expected;
use piback::provision::desired::render::render;
use piback::provision::host::facts::{Facts, Stack, os_release};
use piback::provision::plan::{self, Plan};
use piback::provision::state::{State, generations};
use piback::system::fake::{Event, FakeHost};
use piback::system::run::{Output, RunError, Tool};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// What the model knows of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub file: &'static str,
    pub active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    pub units: BTreeMap<String, Unit>,
    pub packages: Vec<String>,
    /// The share's user has a password of Samba's.
    pub samba_knows: bool,
    /// The rules for IPv6 do not load.
    pub open_over_ipv6: bool,
    pub broken: Option<&'static str>,
    /// A unit that can't be stopped.
    pub stuck: Option<&'static str>,
    /// Unit files were changed and systemd has not read them yet: what it would start is what they were.
    pub unread: bool,
    /// No internet: no package comes.
    pub offline: bool,
    /// What hostapd says of its state once it runs.
    pub radio: &'static str,
    /// A line of hostapd.conf that this radio refuses: hostapd is active all the same.
    pub refuses: Option<&'static str>,
    /// The radio's address; an empty text when it has none.
    pub address: String,
    /// piback's chains are in the kernel.
    pub chains: bool,
    /// Other rules in the kernel, as `-t nat POSTROUTING -o eth0 -j MASQUERADE`.
    pub rules: Vec<String>,
    /// Jobs that were asked for without waiting: verb and unit.
    pub jobs: Vec<(String, String)>,
}

pub type Shared = Rc<RefCell<Model>>;

const IP_FORWARD: &str = "proc/sys/net/ipv4/ip_forward";

fn ok(stdout: impl Into<String>) -> Result<Output, RunError> {
    Ok(Output { code: Some(0), stdout: stdout.into(), stderr: String::new() })
}

fn fail(stderr: &str) -> Result<Output, RunError> {
    Ok(Output { code: Some(1), stdout: String::new(), stderr: stderr.into() })
}

/// What a tool answers.
pub fn answer(model: &Shared, tree: &Path, tool: &Tool) -> Result<Output, RunError> {
    let args: Vec<String> = tool.args.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut model = model.borrow_mut();
    let active = |model: &Model, name: &str| model.units.get(name).is_some_and(|u| u.active);
    match (tool.program.as_str(), words.as_slice()) {
        ("dpkg-query", _) => {
            ok(model.packages.iter().map(|p| format!("{p} installed\n")).collect::<String>())
        }
        ("apt-get", _) if model.offline => fail("Temporary failure resolving 'debian.example'"),
        ("apt-get", words) => {
            model.install(words);
            ok("")
        }
        ("systemctl", ["show", _, names @ ..]) => {
            ok(names.iter().map(|name| model.shown(name)).collect::<Vec<_>>().join("\n"))
        }
        ("systemctl", words) => model.systemctl(tree, words),
        ("hostapd_cli", _) if active(&model, "hostapd.service") => {
            let conf = std::fs::read_to_string(tree.join("etc/hostapd/hostapd.conf")).unwrap_or_default();
            match model.refuses {
                Some(line) if conf.lines().any(|l| l == line) => ok("state=DISABLED\n"),
                _ => ok(format!("state={}\n", model.radio)),
            }
        }
        ("hostapd_cli", _) => fail("Failed to connect to hostapd"),
        ("iw", _) if active(&model, "hostapd.service") => ok("Interface wlan0\n\ttype AP\n"),
        ("iw", _) => ok("Interface wlan0\n\ttype managed\n"),
        ("ip", ["addr", "replace", address, "dev", "wlan0"]) => {
            model.address = (*address).to_owned();
            ok("")
        }
        ("ip", ["addr", "del", address, "dev", "wlan0"]) => {
            if model.address == *address {
                model.address.clear();
            }
            ok("")
        }
        ("ip", _) if model.address.is_empty() => ok(""),
        ("ip", _) => ok(format!("3: wlan0    inet {} scope global wlan0\n", model.address)),
        ("ss", ["-Hlun"]) => ok(model.listening(Protocol::Udp)),
        ("ss", ["-Hltn"]) => ok(model.listening(Protocol::Tcp)),
        ("ss", _) => ok(""),
        ("ip6tables-save", _) if model.open_over_ipv6 => ok("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n"),
        ("iptables-save" | "ip6tables-save", _) => ok(if model.chains { RULES } else { "" }),
        ("unshare", ["--net", "sh", ..]) => ok(RULES),
        ("iptables" | "ip6tables", words) => Ok(model.iptables(words)),
        ("sysctl", ["-n", _]) => ok(std::fs::read_to_string(tree.join(IP_FORWARD)).unwrap()),
        ("sysctl", ["-q", "-w", setting]) => {
            let value = setting.strip_prefix("net.ipv4.ip_forward=").unwrap();
            std::fs::write(tree.join(IP_FORWARD), format!("{value}\n")).unwrap();
            ok("")
        }
        ("journalctl", _) => ok("Could not set channel for kernel driver\n"),
        ("smbpasswd", _) => {
            model.samba_knows = true;
            ok("")
        }
        ("pdbedit", ["-L", "-u", "piback"]) if model.samba_knows => ok("piback:999:\n"),
        ("pdbedit", _) => fail("Username not found!"),
        ("nmcli", ["-g", "GENERAL.STATE", ..]) => ok("10 (unmanaged)\n"),
        ("ifup", _) => {
            model.address = stanza(tree);
            ok("")
        }
        ("ifdown", _) => {
            model.address.clear();
            ok("")
        }
        ("useradd" | "groupadd" | "gpasswd", _) if tree.join("etc/group.lock").exists() => {
            fail("lock /etc/group.lock already used by PID 77")
        }
        ("useradd" | "groupadd" | "gpasswd" | "install" | "nmcli", _) => ok(""),
        ("dnsmasq" | "testparm" | "unshare" | "systemd-analyze", _) => ok(""),
        _ => panic!("an unknown tool: {}", tool.line()),
    }
}

/// The address that the radio's stanza gives it.
fn stanza(tree: &Path) -> String {
    let read = |path: &str| std::fs::read_to_string(tree.join(path)).unwrap_or_default();
    let text = read("etc/network/interfaces.d/piback") + &read("etc/network/interfaces");
    let address = text.lines().find_map(|line| line.trim().strip_prefix("address "));
    address.map(|a| format!("{}/24", a.split('/').next().unwrap_or_default())).unwrap_or_default()
}

impl Model {
    /// What `ss` lists: each component's sockets while its unit runs. The real daemons' are looked at in the box.
    fn listening(&self, protocol: Protocol) -> String {
        let runs = |unit: &str| self.units.get(unit).is_some_and(|u| u.active);
        let sockets = COMPONENTS.iter().filter(|c| c.unit().is_some_and(runs)).flat_map(|c| c.listens);
        let line = |at: &str, port: u16| format!("UNCONN 0 0 {at}:{port} 0.0.0.0:*\n");
        let of_protocol = sockets.filter(|socket| socket.protocol == protocol);
        of_protocol
            .map(|socket| match socket.on {
                On::Radio | On::RadioAlone => line("10.41.0.1", socket.port),
                On::Any => line("0.0.0.0", socket.port),
            })
            .collect()
    }

    /// hostapd's package masks its unit unless a config can be read; dnsmasq's and Samba's start theirs.
    fn install(&mut self, words: &[&str]) {
        let from = words.iter().position(|w| *w == "--no-install-recommends").unwrap() + 1;
        for package in &words[from..] {
            self.packages.push((*package).to_owned());
            let unit = match *package {
                "hostapd" => Some(("hostapd.service", Unit { file: "enabled", active: false })),
                "dnsmasq" => Some(("dnsmasq.service", Unit { file: "enabled", active: true })),
                "samba" => Some(("smbd.service", Unit { file: "enabled", active: true })),
                _ => None,
            };
            self.units.extend(unit.map(|(name, unit)| (name.to_owned(), unit)));
        }
    }

    fn shown(&self, name: &str) -> String {
        match self.units.get(name) {
            Some(u) => format!(
                "Id={name}\nLoadState={}\nUnitFileState={}\nActiveState={}\n",
                if u.file == "masked" { "masked" } else { "loaded" },
                u.file,
                if u.active { "active" } else { "inactive" }
            ),
            None => format!("Id={name}\nLoadState=not-found\nUnitFileState=\nActiveState=inactive\n"),
        }
    }

    /// One call. With `--no-block` a job is accepted at once; whether it fails nobody is told.
    fn systemctl(&mut self, tree: &Path, words: &[&str]) -> Result<Output, RunError> {
        let (options, words): (Vec<&str>, Vec<&str>) = words.iter().partition(|w| w.starts_with("--"));
        if words == ["daemon-reload"] {
            self.unread = false;
            return ok("");
        }
        if matches!(words[0], "unmask" | "disable" | "enable" | "mask") {
            self.unread = options.contains(&"--no-reload");
        }
        let mut output = Output { code: Some(0), ..Output::default() };
        for name in &words[1..] {
            let failed = match options.contains(&"--no-block") {
                true => self.refused(words[0], name).or_else(|| {
                    self.jobs.push((words[0].to_owned(), (*name).to_owned()));
                    None
                }),
                false => self.unit(tree, words[0], name, options.contains(&"--now")),
            };
            if let Some((code, stderr)) = failed {
                output = Output { code: Some(code), stdout: String::new(), stderr };
            }
        }
        Ok(output)
    }

    /// Why there can be no such job: the unit is not there, or masked.
    fn refused(&self, verb: &str, name: &str) -> Option<(i32, String)> {
        // One that is not installed can't be started, stopped, enabled or disabled; ours is, by its file.
        if !self.units.contains_key(name) && !name.starts_with("piback-") && !name.ends_with(".timer") {
            return Some((5, format!("Unit {name} not loaded.")));
        }
        let masked = self.units.get(name).is_some_and(|u| u.file == "masked");
        (masked && matches!(verb, "start" | "restart" | "enable"))
            .then(|| (1, format!("Unit {name} is masked.")))
    }

    /// One unit of a call; what was wrong.
    fn unit(&mut self, tree: &Path, verb: &str, name: &str, now: bool) -> Option<(i32, String)> {
        if let Some(refused) = self.refused(verb, name) {
            return Some(refused);
        }
        let starts = matches!(verb, "start" | "restart");
        let stops = verb == "stop" || (verb == "disable" && now);
        if (starts && (self.broken == Some(name) || self.unread)) || (stops && self.stuck == Some(name)) {
            return Some((1, "Job for the unit failed.".to_owned()));
        }
        let unit = self.units.entry(name.to_owned()).or_insert(Unit { file: "disabled", active: false });
        match verb {
            "unmask" | "disable" => unit.file = "disabled",
            "enable" => unit.file = "enabled",
            "mask" => unit.file = "masked",
            _ => {}
        }
        unit.active = starts || (unit.active && !stops);
        if starts || stops {
            self.took_effect(tree, name, starts);
        }
        None
    }

    /// What a unit does beyond running, by the files that are there.
    fn took_effect(&mut self, tree: &Path, name: &str, starts: bool) {
        let there = |path: &str| tree.join(path).exists();
        match name {
            // Its drop-in gives the radio its own address, and no other.
            "hostapd.service" if starts && there("etc/systemd/system/hostapd.service.d/piback.conf") => {
                self.address = "10.41.0.1/24".to_owned();
            }
            // A unit whose file is gone has no `ExecStop=` any more.
            "piback-nat.service" if there("etc/systemd/system/piback-nat.service") => self.chains = starts,
            "systemd-sysctl.service" if starts && there("etc/sysctl.d/99-piback.conf") => {
                std::fs::write(tree.join(IP_FORWARD), "1\n").unwrap();
            }
            _ => {}
        }
    }

    fn iptables(&mut self, words: &[&str]) -> Output {
        let code = |good: bool| Output { code: Some(i32::from(!good)), ..Output::default() };
        if let ["-w", "-t", table, verb @ ("-C" | "-A" | "-D"), spec @ ..] = words
            && !spec.iter().any(|w| w.contains("PIBACK"))
        {
            let rule = format!("-t {table} {}", spec.join(" "));
            let at = self.rules.iter().position(|r| *r == rule);
            match (*verb, at) {
                ("-D", Some(at)) => _ = self.rules.remove(at),
                ("-A", _) => self.rules.push(rule),
                _ => {}
            }
            return code(at.is_some() || *verb == "-A");
        }
        let was = self.chains;
        if words.contains(&"-F") || words.contains(&"-X") {
            self.chains = false;
        }
        code(was)
    }
}

/// Rules of ours, as iptables prints them.
const RULES: &str =
    "*filter\n-A INPUT -j PIBACK-INPUT\nCOMMIT\n*nat\n-A PIBACK-POSTROUTING -j MASQUERADE\nCOMMIT\n";

pub const STACKS: [Stack; 3] = [Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager];

/// A Pi on one network stack.
pub struct Pi {
    pub tree: Tree,
    pub host: FakeHost,
    pub model: Shared,
    pub stack: Stack,
}

/// A Pi with NetworkManager.
pub fn pi(model: Model) -> Pi {
    pi_on(Stack::NetworkManager, model, Tree::new())
}

/// A Pi on a stack, over what is in `tree` already.
pub fn pi_on(stack: Stack, model: Model, tree: Tree) -> Pi {
    if !tree.path("/etc/passwd").exists() {
        tree.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    }
    if !tree.path("/etc/group").exists() {
        tree.write("/etc/group", "root:x:0:\npiback:x:990:\n");
    }
    tree.write("/proc/sys/net/ipv4/ip_forward", "0\n");
    for dir in ["/etc/systemd/system", "/run/systemd"] {
        std::fs::create_dir_all(tree.path(dir)).unwrap();
    }
    let model = Rc::new(RefCell::new(model));
    let shared = Rc::clone(&model);
    let root = tree.root();
    let host = FakeHost::live(&tree.root(), move |tool| answer(&shared, &root, tool)).unwrap();
    Pi { tree, host, model, stack }
}

/// A fresh Raspberry Pi OS Trixie: NetworkManager runs, hostapd is not there yet.
pub fn fresh() -> Model {
    fresh_on(Stack::NetworkManager)
}

/// A fresh Raspberry Pi OS of the release that has this stack.
pub fn fresh_on(stack: Stack) -> Model {
    let network: &[&str] = match stack {
        Stack::NetworkManager => &["NetworkManager.service"],
        Stack::Dhcpcd => &["dhcpcd.service"],
        Stack::Ifupdown => &["networking.service", "dhcpcd.service"],
    };
    let unit = |name: &&str| ((*name).to_owned(), Unit { file: "enabled", active: true });
    Model {
        units: network.iter().chain(&["systemd-sysctl.service"]).map(unit).collect(),
        packages: vec!["iptables".into()],
        radio: "ENABLED",
        address: "10.41.0.1/24".to_owned(),
        ..Model::default()
    }
}

/// Another stack, for a host that is upgraded.
pub fn next(stack: Stack) -> Stack {
    match stack {
        Stack::Ifupdown => Stack::Dhcpcd,
        Stack::Dhcpcd => Stack::NetworkManager,
        Stack::NetworkManager => Stack::Ifupdown,
    }
}

/// A Pi that was set up by hand from the article: its stanza, its rules, its daemons. hostapd runs although it is masked.
pub fn by_hand(stack: Stack) -> Pi {
    let tree = Tree::new();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/article"), &tree, "");
    let mut model = Model { address: "192.168.1.1/24".to_owned(), ..fresh_on(stack) };
    let packages = ["hostapd", "dnsmasq", "iw", "rfkill", "ntfs-3g", "samba", "samba-common-bin"];
    model.packages.extend(packages.map(str::to_owned));
    model.packages.push("samba-vfs-modules".to_owned());
    for (name, file) in
        [("hostapd.service", "masked"), ("dnsmasq.service", "enabled"), ("smbd.service", "enabled")]
    {
        model.units.insert(name.to_owned(), Unit { file, active: true });
    }
    model.rules = [
        "-t nat POSTROUTING -o eth0 -j MASQUERADE",
        "-t filter FORWARD -i eth0 -o wlan0 -m state --state RELATED,ESTABLISHED -j ACCEPT",
        "-t filter FORWARD -i wlan0 -o eth0 -j ACCEPT",
    ]
    .map(str::to_owned)
    .into();
    // Somebody keeps Samba's file elsewhere.
    std::fs::create_dir_all(tree.path("/opt")).unwrap();
    std::fs::rename(tree.path("/etc/samba/smb.conf"), tree.path("/opt/smb.conf")).unwrap();
    std::os::unix::fs::symlink("/opt/smb.conf", tree.path("/etc/samba/smb.conf")).unwrap();
    tree.write("/sbin/ifup", "");
    pi_on(stack, model, tree)
}

fn copy(from: &Path, tree: &Tree, to: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = format!("{to}/{}", entry.file_name().to_str().unwrap());
        match entry.path().is_dir() {
            true => copy(&entry.path(), tree, &to),
            false => tree.write(&to, std::fs::read(entry.path()).unwrap()),
        }
    }
}

/// Chooses the step that writes a file.
pub fn writes(path: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Write { path: p, .. } if p == path)
}

/// Chooses the step that runs a tool.
pub fn runs(line: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::Tool(tool) if tool.line() == line)
}

/// What the release that has this stack is found to be.
fn facts(stack: Stack) -> Facts {
    let version = match stack {
        Stack::NetworkManager => 13,
        Stack::Dhcpcd => 11,
        Stack::Ifupdown => 8,
    };
    let os = os_release(&format!("VERSION_ID=\"{version}\"\n"));
    Facts { os, stack, interfaces_d_is_read: false, ssh_ports: vec![22], installed: true }
}

pub fn profile(channel: u8) -> Profile {
    load(&EMBEDDED[0].1.replace("channel: 6", &format!("channel: {channel}")), "travel").unwrap()
}

pub fn password() -> Passphrase {
    Passphrase::from_file_content(b"share-password-1").unwrap()
}

fn secrets() -> Secrets {
    Secrets { wifi: Passphrase::from_file_content(b"correct horse").unwrap(), screen: None }
}

pub fn window() -> Option<Window> {
    Some(Window { length: Duration::from_secs(120), program: "/usr/bin/piback".into() })
}

impl Pi {
    pub fn desired(&self, channel: u8) -> (Desired, Facts) {
        let (facts, profile) = (facts(self.stack), profile(channel));
        let mut artifacts = render(&profile, &facts, "wpa_passphrase", &BTreeMap::new()).unwrap();
        adopt::find(&self.host, &facts, &profile).unwrap().join(&mut artifacts);
        let stack = Some(facts.stack);
        (
            Desired {
                stack_named: false,
                stack,
                artifacts,
                radio: "wlan0".into(),
                secrets: Some(secrets()),
                passphrase_file: Some("/etc/piback/wifi-passphrase".into()),
                chosen: Some(profile.network.address),
                restored: None,
                made_by: "apply".into(),
            },
            facts,
        )
    }

    pub fn plan(&self, channel: u8) -> (Plan, State, Desired) {
        self.try_plan(channel).unwrap()
    }

    fn try_plan(&self, channel: u8) -> anyhow::Result<(Plan, State, Desired)> {
        let (desired, facts) = self.desired(channel);
        let state = State::read(&self.host)?;
        let mut plan = plan::files(&self.host, &desired, &state)?;
        plan::add_live(&self.host, &facts, &profile(channel), &password(), &desired, &state, &mut plan)?;
        Ok((plan, state, desired))
    }

    /// One apply, from the lock to its end; its tools are those after the plan.
    pub fn apply(&self, channel: u8, window: Option<Window>) -> anyhow::Result<()> {
        let _lock = apply::lock(&self.host)?;
        let (plan, state, desired) = self.try_plan(channel)?;
        self.host.take_tools();
        let password = password();
        let expected = Expected::of(&profile(channel), None);
        let options = Options {
            secrets: desired.secrets.as_ref(),
            share_password: Some(&password),
            expected: Some(&expected),
            window,
            progress: &|line| self.host.say(line),
        };
        apply::apply(&self.host, &plan, &state, &options)
    }

    pub fn roll_back(&self) -> anyhow::Result<()> {
        self.roll_back_from(&State::read(&self.host)?)
    }

    pub fn roll_back_from(&self, state: &State) -> anyhow::Result<()> {
        let _lock = apply::lock(&self.host)?;
        let desired = Desired::original();
        let mut plan = plan::files(&self.host, &desired, state)?;
        plan::add_way_back(&self.host, &desired, state, &mut plan)?;
        self.carry_out(&plan, state, None)
    }

    /// Back to a generation, as `rollback --to` does it.
    pub fn roll_back_to(&self, number: u32) -> anyhow::Result<()> {
        let _lock = apply::lock(&self.host)?;
        let record = generations::read(&self.host, number)?;
        let desired = Desired {
            stack: record.stack,
            stack_named: false,
            artifacts: record.artifacts,
            radio: record.radio,
            secrets: Some(secrets()),
            passphrase_file: record.passphrase_file,
            chosen: record.chosen,
            restored: Some(number),
            made_by: format!("rollback --to {number}"),
        };
        let state = State::read(&self.host)?;
        let mut plan = plan::files(&self.host, &desired, &state)?;
        plan::add_units(&self.host, &desired, &state, &mut plan)?;
        self.carry_out(&plan, &state, desired.secrets.as_ref())
    }

    /// Carries a plan out, whenever it was made; its tools are those after the plan.
    pub fn carry_out(&self, plan: &Plan, state: &State, secrets: Option<&Secrets>) -> anyhow::Result<()> {
        self.host.take_tools();
        let say = |line: &str| self.host.say(line);
        let options = Options { secrets, share_password: None, expected: None, window: None, progress: &say };
        apply::apply(&self.host, plan, state, &options)
    }

    /// Power goes and comes: nothing runs, the kernel has forgotten everything, systemd has read its files.
    pub fn power_cut(&self) {
        let mut model = self.model.borrow_mut();
        model.units.values_mut().for_each(|unit| unit.active = false);
        (model.chains, model.unread) = (false, false);
        model.rules.clear();
        model.address.clear();
        self.tree.write("/proc/sys/net/ipv4/ip_forward", "0\n");
        let _ = std::fs::remove_dir_all(self.tree.path("/run/systemd/system"));
    }

    /// The rest of the boot, after piback's unit: what is enabled starts, then the jobs that were queued are done.
    pub fn boot_goes_on(&self) {
        let root = self.tree.root();
        let mut model = self.model.borrow_mut();
        let enabled: Vec<String> =
            model.units.iter().filter(|(_, u)| u.file == "enabled").map(|(name, _)| name.clone()).collect();
        for name in enabled {
            let _ = model.unit(&root, "start", &name, false);
        }
        for (verb, name) in std::mem::take(&mut model.jobs) {
            let _ = model.unit(&root, &verb, &name, false);
        }
    }

    /// `systemctl` lines that ran, shortened.
    pub fn systemctl(&self) -> Vec<String> {
        let lines = self.host.take_tools();
        lines.iter().filter_map(|l| l.strip_prefix("systemctl ")).map(str::to_owned).collect()
    }

    pub fn ip_forward(&self) -> String {
        self.tree.read("/proc/sys/net/ipv4/ip_forward").trim().to_owned()
    }

    /// The host's files, without piback's own state.
    pub fn files(&self) -> Snapshot {
        self.tree.snapshot().without(&[
            "/var",
            "/run",
            "/proc",
            "/etc/systemd/system/multi-user.target.wants",
            "/etc/systemd/system/piback-settle.service",
        ])
    }

    /// What serves, and what the kernel has: what an undo has to bring back beside the files.
    pub fn world(&self) -> String {
        let model = self.model.borrow();
        let units: Vec<String> = model
            .units
            .iter()
            .filter(|(name, u)| !name.ends_with(".timer") && (u.active || u.file != "disabled"))
            .map(|(name, u)| format!("{name} {} {}", u.file, u.active))
            .collect();
        let mut rules = model.rules.clone();
        rules.sort();
        // `iptables -C` that fails says that a rule is not there: then it is there twice, which does no harm.
        rules.dedup();
        format!("{units:#?}\n{rules:#?}\n{} {} {}", model.address, model.chains, self.ip_forward())
    }
}
