//! Where the Temporal server is.

use std::time::Duration;

use rushes_core::{Error, ErrorKind, Result};
use temporalio_client::envconfig::LoadClientConfigProfileOptions;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions};

/// A Temporal server, and the namespace on it.
#[derive(Clone)]
pub struct Server {
    connection: ConnectionOptions,
    namespace: String,
    address: String,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

impl Server {
    /// The one that the environment names, or the file `temporal.toml`, as for Temporal's own tools: `TEMPORAL_ADDRESS`,
    /// `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY`, `TEMPORAL_TLS_*`; `localhost:7233` where nothing does.
    ///
    /// # Errors
    /// When what they say makes no sense.
    pub fn from_env() -> Result<Self> {
        let (connection, client) =
            ClientOptions::load_from_config(LoadClientConfigProfileOptions::default()).map_err(|e| {
                Error::new(ErrorKind::Invalid, e.to_string())
                    .doing("reading where the Temporal server is")
                    .advice("see to the variables TEMPORAL_* and the file temporal.toml")
            })?;
        Ok(Self { address: connection.target.to_string(), connection, namespace: client.namespace })
    }

    /// The same, at another address: `host:port`, or a URL. The connection is as safe as before: with TLS where the environment
    /// has a key or certificates.
    ///
    /// # Errors
    /// When it is no address, and when it would send the key in the clear.
    pub fn at(mut self, address: &str) -> Result<Self> {
        let invalid = |why: String, next: &str| {
            Error::new(ErrorKind::Invalid, why).doing("reading where the Temporal server is").advice(next)
        };
        // The client goes by the scheme alone.
        let safe = self.connection.tls_options.is_some() || self.connection.api_key.is_some();
        let scheme = if safe { "https" } else { "http" };
        let url = if address.contains("://") { address.to_owned() } else { format!("{scheme}://{address}") };
        self.connection.target = url
            .parse()
            .map_err(|e| invalid(format!("`{address}` is no address: {e}"), "write HOST:PORT, or http://HOST:PORT"))?;
        if safe && self.connection.target.scheme() != "https" {
            let why = format!("`{address}` is without TLS, and TEMPORAL_API_KEY or TEMPORAL_TLS_* ask for it");
            return Err(invalid(why, "write HOST:PORT or https://HOST:PORT, or unset them"));
        }
        self.address = address.to_owned();
        Ok(self)
    }

    /// The same, in another namespace.
    pub fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.to_owned();
        self
    }

    /// Its address, as it was given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A client whose calls, and the workers made with it, tell of themselves in the caller's trace: where the feature `otel` is on
    /// and the process has a provider of tracers.
    pub(crate) async fn connect_traced(&self) -> Result<Client> {
        let options = ClientOptions::new(&self.namespace);
        #[cfg(feature = "otel")]
        let options = options.plugin(temporalio_sdk::opentelemetry::OpenTelemetryPlugin::builder().build());
        self.connect_with(options.build()).await
    }

    pub(crate) async fn connect(&self) -> Result<Client> {
        self.connect_with(ClientOptions::new(&self.namespace).build()).await
    }

    async fn connect_with(&self, client: ClientOptions) -> Result<Client> {
        let mut options = self.connection.clone();
        options.connect_timeout.get_or_insert(PATIENCE);
        if options.identity.is_empty() {
            options.identity = format!("rushes@{}", std::process::id());
        }
        let failed = |why: String| {
            Error::new(ErrorKind::Io, why)
                .doing(format!("connecting to the Temporal server at {}", self.address))
                .advice("see that it runs, and what TEMPORAL_ADDRESS says")
                .retryable()
        };
        let connection = tokio::time::timeout(PATIENCE, Connection::connect(options))
            .await
            .map_err(|_| failed("it does not answer".into()))?
            .map_err(|e| failed(e.to_string()))?;
        Client::new(connection, client).map_err(|e| failed(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(key: Option<&str>) -> Server {
        let target: temporalio_client::Url = "http://localhost:7233".parse().unwrap();
        let connection = ConnectionOptions::new(target).maybe_api_key(key.map(str::to_owned)).build();
        Server { address: String::new(), connection, namespace: "default".into() }
    }

    #[test]
    fn a_key_is_never_sent_in_the_clear() {
        let scheme = |key, address| server(key).at(address).map(|s| s.connection.target.scheme().to_owned());
        assert_eq!(scheme(None, "10.0.0.1:7233").unwrap(), "http");
        assert_eq!(scheme(None, "https://10.0.0.1:7233").unwrap(), "https");
        assert_eq!(scheme(Some("k"), "show.tmprl.cloud:7233").unwrap(), "https");
        let e = scheme(Some("k"), "http://show.tmprl.cloud:7233").unwrap_err();
        assert!(e.kind() == ErrorKind::Invalid && e.to_string().contains("without TLS"), "{e}");
    }
}
