//! The remote screen with the real wayvnc and a real desktop without a monitor: who reaches it, how it is spoken to, and
//! whom it lets in.
#![allow(clippy::disallowed_methods)]

mod common;

use common::Tree;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Ways to log in (RFB 3.8): TLS, and RSA-AES with 256 and with 128 bits.
const TLS: u64 = 19;
const RSA_AES: [u64; 2] = [129, 5];

#[test]
fn the_wi_fi_sees_the_screen_with_the_password_and_nobody_else_sees_it() {
    let tree = Tree::new();
    tree.init("travel");
    let profile = tree.read("/etc/piback/profile.yaml");
    tree.write("/etc/piback/profile.yaml", format!("{profile}remote_screen: true\n"));
    for program in ["/usr/bin/labwc", "/usr/bin/wayvnc", "/usr/lib/systemd/system/wayvnc.service"] {
        tree.write(program, "");
    }
    let password = "screen = #1";
    tree.write("/etc/piback/secrets/screen-password", format!("{password}\n"));
    tree.set_mode("/etc/piback/secrets/screen-password", 0o600);
    let apply = tree.piback(&["apply", "--stack", "networkmanager", "--yes"]);
    assert_eq!(apply.code, 0, "{}", apply.all());

    let output = Command::new("unshare")
        .args(["--net", "--mount", "python3"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screen/look.py"))
        .arg(tree.path("/etc/piback/wayvnc/config"))
        .args(["piback", password])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    assert_eq!(seen["wifi"]["version"], "RFB 003.008");
    let types: Vec<u64> =
        seen["wifi"]["types"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
    let wanted: Vec<u64> = match seen["rsa"] == true {
        true => [TLS].into_iter().chain(RSA_AES).collect(),
        false => vec![TLS],
    };
    assert_eq!(types, wanted, "nothing is without a password, nothing goes in the clear");
    for from in ["hotel", "loopback"] {
        assert_eq!(seen[from], json!({"refused": "ConnectionRefusedError"}), "{from}");
    }
    assert_eq!(seen["owner"], json!({"in": true, "size": [640, 480], "picture": 640 * 480 * 4}));
    for who in ["stranger", "nobody"] {
        assert_eq!(seen[who], json!({"in": false}), "{who}");
    }
}
