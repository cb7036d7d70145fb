//! The authority that an iPad is told to trust. It is for the appliance's own names and addresses and for nothing else, so
//! that its key, stolen, opens no bank.

use super::browser::{NAME, Names, verify};
use super::identity::Identity;
use super::pem::encode;
use crate::secret::Secret;
use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType,
    date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, DnsName, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::time::Duration;

const DAY: u64 = 86_400;
/// A certificate is good for so long before and after the moment at which it is made: a Pi's clock may be a year off, and an
/// iPad takes none that lasts longer than 825 days.
const AROUND: Duration = Duration::from_secs(400 * DAY);

/// The authority, with its key.
pub struct Authority {
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

impl Authority {
    /// Makes one for these names and addresses.
    ///
    /// # Errors
    /// The system has no randomness to give, or a host's name is none.
    pub fn new(addresses: &[IpAddr], hosts: &[String]) -> anyhow::Result<Self> {
        let key = new_key()?;
        let alone = |address: &IpAddr| {
            CidrSubnet::from_addr_prefix(*address, if address.is_ipv4() { 32 } else { 128 })
        };
        let is_name = |host: &&String| DnsName::try_from(host.as_str()).is_ok();
        let names = hosts.iter().filter(is_name).cloned().map(GeneralSubtree::DnsName);
        let addresses = addresses.iter().map(alone).map(GeneralSubtree::IpAddress);
        let mut params = own_params(&key);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: names.chain(addresses).collect(),
            excluded_subtrees: Vec::new(),
        });
        // Whatever a clock says, now or later.
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2049, 12, 31);
        let certificate = params.self_signed(&key).context("make the authority")?.der().clone();
        Ok(Authority { key, certificate })
    }

    /// Reads one as [`Authority::text`] wrote it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(text: &[u8]) -> anyhow::Result<Self> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(text).ok().context("the authority's key")?;
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)
            .context("the authority's key")?;
        let certificate = CertificateDer::from_pem_slice(text).ok().context("the authority's certificate")?;
        Ok(Authority { key, certificate })
    }

    /// The text to keep.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        let key = encode("PRIVATE KEY", self.key.serialized_der());
        Secret::new(key + &encode("CERTIFICATE", &self.certificate))
    }

    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Tells whether it is for a name: by what a browser says of a certificate for it.
    #[must_use]
    pub fn is_for(&self, name: &str, moment: i64) -> bool {
        let made = new_key().and_then(|key| self.sign(&key, &[name.to_owned()], moment));
        made.is_ok_and(|certificate| verify(&self.certificate, &certificate, name, moment).is_ok())
    }

    /// Makes a key and a certificate for the page's names, as far as it is for them.
    ///
    /// # Errors
    /// The system has no randomness to give.
    pub fn issue(&self, names: &Names, moment: i64) -> anyhow::Result<Identity> {
        let key = new_key()?;
        let hosts = names.hosts.iter().filter(|host| self.is_for(host, moment)).cloned();
        let all: Vec<String> = std::iter::once(names.address.to_string()).chain(hosts).collect();
        let certificate = self.sign(&key, &all, moment)?;
        Ok(Identity::new(key.serialized_der().to_vec(), certificate, self.certificate.clone()))
    }

    fn sign(&self, key: &KeyPair, names: &[String], moment: i64) -> anyhow::Result<CertificateDer<'static>> {
        let mut params = params(NAME);
        for name in names {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(name.as_str().try_into()?),
            });
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let epoch = date_time_ymd(1970, 1, 1);
        let moment = Duration::from_secs(moment.try_into().unwrap_or_default()).max(AROUND);
        params.not_before = epoch + (moment - AROUND);
        params.not_after = epoch + (moment + AROUND);
        let own = own_params(&self.key);
        let signed = params.signed_by(key, &Issuer::from_params(&own, &self.key));
        Ok(signed.context("sign the page's certificate")?.der().clone())
    }
}

/// The part of an authority's form that stands in what it signs too: it follows from the key alone.
fn own_params(key: &KeyPair) -> CertificateParams {
    let mark: String =
        Sha256::digest(key.public_key_raw()).iter().take(4).map(|b| format!("{b:02X}")).collect();
    let mut params = params(&format!("{NAME} {mark}"));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

/// The form of a certificate with that key and name.
fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A new key: P-256, which every iPad knows and a small Pi is quick with.
fn new_key() -> anyhow::Result<KeyPair> {
    KeyPair::generate().context("make a key")
}
