//! The page's own key and certificate, with the authority's certificate beside them: one text, so that they always fit.

use super::browser::{Names, provider, verify};
use super::pem::encode;
use crate::secret::Secret;
use anyhow::Context;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Seconds for which a certificate must be good still: half a year, in which a Pi is started again.
const LEFT: i64 = 200 * 86_400;

/// The page's identity.
pub struct Identity {
    key: Secret<Vec<u8>>,
    certificate: CertificateDer<'static>,
    authority: CertificateDer<'static>,
}

impl Identity {
    pub(super) fn new(
        key: Vec<u8>,
        certificate: CertificateDer<'static>,
        authority: CertificateDer<'static>,
    ) -> Self {
        Identity { key: Secret::new(key), certificate, authority }
    }

    /// Reads one as [`Identity::text`] wrote it.
    ///
    /// # Errors
    /// It is none, or its key is another's.
    pub fn read(text: &[u8]) -> anyhow::Result<Self> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(text).ok().context("the page's key")?;
        let mut certificates = CertificateDer::pem_slice_iter(text);
        let mut next = || certificates.next()?.ok();
        let (certificate, authority) = next().zip(next()).context("the page's certificate")?;
        let identity = Identity::new(key.secret_pkcs8_der().to_vec(), certificate, authority);
        identity.certified(&provider())?.keys_match().context("the page's key is not its certificate's")?;
        Ok(identity)
    }

    /// The text to keep.
    #[must_use]
    pub fn text(&self) -> Secret<String> {
        let key = encode("PRIVATE KEY", self.key.expose());
        let certificates = [&self.certificate, &self.authority].map(|der| encode("CERTIFICATE", der));
        Secret::new(key + &certificates.concat())
    }

    /// The certificate of the authority, which is no secret.
    #[must_use]
    pub fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }

    #[must_use]
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Tells whether a browser takes it for a name, now and as long as it is not looked at again.
    #[must_use]
    pub fn is_good(&self, name: &str, moment: i64) -> bool {
        [moment, moment.saturating_add(LEFT)]
            .into_iter()
            .all(|moment| verify(&self.authority, &self.certificate, name, moment).is_ok())
    }

    /// Tells whether it is good for the address, and for all hosts that it may be for.
    #[must_use]
    pub fn serves(&self, names: &Names, moment: i64, may_be: impl Fn(&str) -> bool) -> bool {
        let is_missing = |host: &&String| !self.is_good(host, moment) && may_be(host);
        self.is_good(&names.address.to_string(), moment) && !names.hosts.iter().any(|host| is_missing(&host))
    }

    /// The server's side of TLS 1.3, which keeps nothing of who was there.
    ///
    /// # Errors
    /// The key can't be used.
    pub fn server(&self) -> anyhow::Result<ServerConfig> {
        let provider = provider();
        let certified = Arc::new(self.certified(&provider)?);
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?;
        let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(certified));
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }

    fn certified(&self, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
        let key = PrivateKeyDer::Pkcs8(self.key.expose().clone().into());
        Ok(CertifiedKey::from_der(vec![self.certificate.clone()], key, provider)?)
    }
}
