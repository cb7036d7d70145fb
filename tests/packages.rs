//! Packages in a hotel, with this system's own apt-get: it sees lists and sources of the test's, in a view of its own, and a server
//! of the test's. Nothing is installed, and the system's lists are not touched.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]

use nix::fcntl::{FcntlArg, fcntl};
use piback::error;
use piback::provision::resources::package;
use piback::system::fake::FakeHost;
use piback::system::run::{Output, Tool};
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

/// A package that no list has.
const WANTED: &str = "hostapd-of-a-hotel";

/// The lists' folder is the test's; everything else says APT_CONFIG.
const SCRIPT: &str = r#"mount --bind "$0" /var/lib/apt; exec "$@""#;

/// apt-get with lists, sources and a state of its own.
struct Apt {
    dir: tempfile::TempDir,
    /// Without a network: no interface but a lo that is down.
    is_offline: bool,
}

impl Apt {
    /// `None`, said aloud, where apt or views of one's own are missing.
    fn new(source: &str) -> Option<Self> {
        let can = Command::new("unshare").args(["--mount", "--net", "apt-get", "--version"]).output();
        if !can.is_ok_and(|output| output.status.success()) {
            assert!(std::env::var_os("CI").is_none(), "not tested: no apt-get or no namespaces here");
            eprintln!("SKIPPED: no apt-get or no namespaces here (they need root)");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        for name in ["apt/lists/partial", "cache/archives/partial", "etc/none"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("status"), "").unwrap();
        std::fs::write(at("sources"), format!("{source}\n")).unwrap();
        let config = format!(
            "Dir::Etc \"{}\"; Dir::Etc::Parts \"none\"; Dir::Etc::sourcelist \"{}\"; Dir::Etc::sourceparts \"none\";\n\
             Dir::Cache \"{}\"; Dir::State::status \"{}\"; Dir::Bin::dpkg \"/bin/false\";\n\
             APT::Sandbox::User \"root\"; Acquire::http::Proxy \"DIRECT\"; Acquire::Retries \"0\";\n",
            at("etc"),
            at("sources"),
            at("cache"),
            at("status")
        );
        std::fs::write(at("apt.conf"), config).unwrap();
        Some(Apt { dir, is_offline: false })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs apt-get as piback would.
    fn run(&self, tool: &Tool) -> Output {
        assert_eq!(tool.program, "apt-get");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private"]);
        command.args(self.is_offline.then_some("--net"));
        command.args(["sh", "-ec", SCRIPT]).arg(self.path("apt")).arg(&tool.program).args(&tool.args);
        command.envs(tool.env.iter().cloned()).env("APT_CONFIG", self.path("apt.conf"));
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }

    /// What `install` says at its end, and on its way; `between` is called after each apt-get, with its number.
    fn install(self: &Rc<Self>, between: impl Fn(usize) + 'static) -> (String, Vec<String>) {
        let (apt, count) = (Rc::clone(self), RefCell::new(0));
        let answer = move |tool: &Tool| {
            let output = apt.run(tool);
            *count.borrow_mut() += 1;
            between(*count.borrow());
            Ok(output)
        };
        let host = FakeHost::live(self.dir.path(), answer).unwrap();
        let said = RefCell::new(Vec::new());
        let end =
            package::install(&host, &[WANTED.to_owned()], &|line| said.borrow_mut().push(line.to_owned()));
        let e = end.unwrap_err();
        (format!("{e:#}\n{}", error::hints(&e).join("\n")), said.into_inner())
    }

    /// The end alone.
    fn end(self) -> String {
        Rc::new(self).install(|_| {}).0
    }
}

/// A server of one answer for every path that ends so, and of 404 for the others; its address.
fn serve(answers: &'static [(&'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut asked, mut stream) = (String::new(), stream);
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                if line.starts_with("GET ") {
                    asked = line.split(' ').nth(1).unwrap_or_default().to_owned();
                }
                if line == "\r\n" {
                    let answer = answers.iter().find(|(end, _)| asked.ends_with(end));
                    let gone = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
                    let _ = stream.write_all(answer.map_or(gone, |(_, answer)| answer).as_bytes());
                }
            }
        }
    });
    format!("http://{address}/debian")
}

/// A repository without packages, made at this time.
macro_rules! release {
    ($length:literal, $date:literal) => {
        concat!(
            "HTTP/1.1 200 OK\r\nContent-Length: ",
            $length,
            "\r\n\r\nOrigin: Test\nSuite: stable\nCodename: stable\nDate: ",
            $date,
            "\nArchitectures: all\nComponents: main\nSHA256:\n"
        )
    };
}

#[test]
fn offline_is_said() {
    let Some(mut apt) = Apt::new("deb http://deb.debian.org/debian stable main") else { return };
    apt.is_offline = true;
    let said = apt.end();
    assert!(said.contains("the Pi is offline") && said.contains("connect Ethernet"), "{said}");
}

#[test]
fn a_server_that_nobody_answers_for_is_offline_too() {
    // Nobody listens any more where a listener was.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let Some(apt) = Apt::new(&format!("deb http://{address}/debian stable main")) else { return };
    let said = apt.end();
    assert!(said.contains("the Pi is offline"), "{said}");
}

#[test]
fn a_clock_that_is_behind_is_said() {
    let answers: &[_] = &[("/Release", release!("124", "Fri, 01 Jan 2088 00:00:00 UTC"))];
    let Some(apt) = Apt::new(&format!("deb [trusted=yes] {} stable main", serve(answers))) else { return };
    let said = apt.end();
    assert!(said.contains("the Pi's clock is behind") && said.contains("sudo date -s"), "{said}");
    assert!(said.contains("is not valid yet"), "{said}");
}

#[test]
fn a_page_to_sign_in_is_said() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 44\r\n\r\n\
                <html><body>Welcome! Sign in.</body></html>\n";
    // Every request is sent to the page, or is answered with it at once.
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n";
    let answers: [&'static [_]; 2] =
        [Vec::leak(vec![("/login", page), ("", redirect)]), Vec::leak(vec![("", page)])];
    for answers in answers {
        let Some(apt) = Apt::new(&format!("deb {} stable main", serve(answers))) else { return };
        let said = apt.end();
        assert!(
            said.contains("a page to sign in answers") && said.contains("sign in: open any page"),
            "{said}"
        );
    }
}

/// The lists' lock, as another apt-get holds it.
fn held(lists: &Path) -> File {
    let file = File::create(lists.join("lock")).unwrap();
    let lock =
        nix::libc::flock { l_type: nix::libc::F_WRLCK as _, l_whence: 0, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(&file, FcntlArg::F_SETLK(&lock)).unwrap();
    file
}

#[test]
fn lists_that_another_fetches_are_waited_for_and_it_is_named() {
    let answers: &[_] = &[("/Release", release!("124", "Fri, 01 Jan 2021 00:00:00 UTC"))];
    let Some(apt) = Apt::new(&format!("deb [trusted=yes] {} stable main", serve(answers))) else { return };
    let apt = Rc::new(apt);
    let lock = RefCell::new(Some(held(&apt.path("apt/lists"))));
    // The first is the install, then the lists are held twice.
    let (end, said) = apt.install(move |number| {
        if number == 3 {
            lock.take();
        }
    });
    let own = std::fs::read_to_string("/proc/self/comm").unwrap();
    let waits: Vec<&String> = said.iter().filter(|line| line.starts_with("waiting for ")).collect();
    assert_eq!(waits.len(), 1, "{said:?} {end}");
    assert!(waits[0].contains(&format!("(process {})", std::process::id())), "{waits:?} {own}");
    // They came at last; and apt knows no such package.
    assert!(std::fs::read_dir(apt.path("apt/lists")).unwrap().count() > 2, "{end}");
    assert!(end.contains("the packages can't be installed") && end.contains("Unable to locate"), "{end}");
}

#[test]
fn a_lock_that_is_kept_ends_the_wait_with_its_holder_s_name() {
    let Some(apt) = Apt::new("deb http://127.0.0.1:1/debian stable main") else { return };
    let apt = Rc::new(apt);
    let _lock = held(&apt.path("apt/lists"));
    let (end, _) = apt.install(|_| {});
    assert!(end.contains("another program installs packages"), "{end}");
    assert!(end.contains(&format!("(process {})", std::process::id())), "{end}");
}
