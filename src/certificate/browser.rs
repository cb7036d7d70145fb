//! A certificate as a browser sees it.

use anyhow::Context;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// The first word of an authority's name, and the page's name in its certificate.
pub const NAME: &str = "piback";

/// The names that a browser may have typed for the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub address: IpAddr,
    pub hosts: Vec<String>,
}

/// The algorithms of both ends.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

/// The one root that counts for the page.
///
/// # Errors
/// It is no certificate.
pub fn roots(authority: &CertificateDer<'static>) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).context("the authority's certificate")?;
    Ok(roots)
}

/// Holds a certificate against an authority as a browser does: signature, time, name, and the names that the authority is
/// for.
///
/// # Errors
/// Why a browser would not take it.
pub fn verify(
    authority: &CertificateDer<'static>,
    certificate: &CertificateDer<'static>,
    name: &str,
    moment: i64,
) -> anyhow::Result<()> {
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(authority)?), provider()).build()?;
    let name = ServerName::try_from(name)?;
    let moment = UnixTime::since_unix_epoch(Duration::from_secs(moment.try_into().unwrap_or_default()));
    verifier.verify_server_cert(certificate, &[], &name, &[], moment)?;
    Ok(())
}

/// The SHA-256 of a certificate, as devices show it, in groups of four digits.
#[must_use]
pub fn fingerprint(certificate: &[u8]) -> String {
    let pairs = Sha256::digest(certificate);
    pairs.chunks(2).map(|two| format!("{:02X}{:02X}", two[0], two[1])).collect::<Vec<_>>().join(" ")
}

/// The name under which a device lists an authority of ours.
#[must_use]
pub fn name_of(authority: &[u8]) -> String {
    let subject = roots(&authority.to_vec().into()).ok().map(|roots| roots.roots[0].subject.to_vec());
    // It ends with its one name.
    let text = String::from_utf8_lossy(&subject.unwrap_or_default()).into_owned();
    text.find(NAME).map_or_else(|| NAME.to_owned(), |at| text[at..].to_owned())
}
