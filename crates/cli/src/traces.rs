//! Traces to a collector of OpenTelemetry, where the environment names one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanEvents};
use opentelemetry_sdk::{Resource, trace};
use rushes::{Error, ErrorKind, Result};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

/// The traces of this process; what is left of them is sent when it is dropped.
pub(crate) struct Traces(SdkTracerProvider);

/// How long the end of the process waits for the collector.
const PATIENCE: Duration = Duration::from_secs(5);

impl Traces {
    /// By `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` or `OTEL_EXPORTER_OTLP_ENDPOINT`; the other variables of OpenTelemetry's
    /// SDKs (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*`, `OTEL_EXPORTER_OTLP_*`) hold as well.
    /// To be called in a runtime, which has to outlive it.
    pub(crate) fn from_env() -> Result<Option<Self>> {
        let said = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let disabled = said("OTEL_SDK_DISABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
        let endpoint = said("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| said("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let Some(endpoint) = endpoint.filter(|_| !disabled) else { return Ok(None) };
        let wrong = |why: String| {
            Error::new(ErrorKind::Invalid, why)
                .doing("preparing to send traces")
                .advice("see to the variables OTEL_EXPORTER_OTLP_*: the protocol is gRPC, http://HOST:4317")
        };
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            if let Some(other) = said(name).filter(|p| p != "grpc") {
                return Err(wrong(format!("{name} is `{}`, and gRPC is what is spoken", other.escape_debug())));
            }
        }
        let mut exporter = SpanExporter::builder().with_tonic();
        if endpoint.starts_with("https://") {
            exporter = exporter.with_tls_config(ClientTlsConfig::new().with_enabled_roots());
        }
        let exporter = exporter.with_endpoint(endpoint).build().map_err(|e| wrong(e.to_string()))?;
        let mut resource =
            Resource::builder().with_attribute(KeyValue::new("process.pid", i64::from(std::process::id())));
        // What the environment says of the service comes first.
        let found = Resource::builder().build();
        let unknown = |v: opentelemetry::Value| v.as_str().starts_with("unknown_service");
        if found.get(&Key::from_static_str("service.name")).is_none_or(unknown) {
            resource = resource.with_service_name("rushes");
        }
        if found.get(&Key::from_static_str("service.version")).is_none() {
            resource = resource.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        }
        let exporter = Told { to: exporter, failed: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build());
        #[cfg(feature = "temporal")]
        let provider = provider.with_id_generator(rushes_temporal::SpanIds::default());
        let provider = provider.build();
        opentelemetry::global::set_tracer_provider(provider.clone());
        Ok(Some(Self(provider)))
    }

    /// What makes spans of the library's.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'s> LookupSpan<'s>,
    {
        let ours = Targets::new().with_target("rushes", LevelFilter::INFO);
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("rushes")).with_location(false).with_filter(ours)
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(e) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!("traces were not sent: {e}");
        }
    }
}

/// Makes `span` a child of the one that started this process, where the variables `TRACEPARENT` and `TRACESTATE` name one.
pub(crate) fn adopt(span: &tracing::Span) {
    let carrier: HashMap<String, String> = ["traceparent", "tracestate"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name.to_uppercase()).ok()?)))
        .collect();
    // Where they are missing or make no sense it has no parent.
    let _ = span.set_parent(TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier));
}

/// Sends spans, without those that mislead.
#[derive(Debug)]
struct Told {
    to: SpanExporter,
    failed: AtomicBool,
}

impl trace::SpanExporter for Told {
    async fn export(&self, mut spans: Vec<SpanData>) -> OTelSdkResult {
        // Those who ask an orchestrating worker how far an order is would fill the collector with traces of that.
        spans.retain(|span| !span.name.starts_with("HandleQuery:"));
        for span in spans.iter_mut().filter(|span| span.name.starts_with("RunWorkflow:")) {
            // Runs end so without anything being wrong.
            let usual =
                |why: &str| ["ContinueAsNew", "Cancelled", "Evicted"].iter().any(|usual| why.starts_with(usual));
            if matches!(&span.status, Status::Error { description } if usual(description)) {
                span.status = Status::Unset;
                span.events = SpanEvents::default();
            }
        }
        let sent = self.to.export(spans).await;
        if let Err(e) = &sent
            && !self.failed.swap(true, Ordering::Relaxed)
        {
            tracing::error!("traces could not be sent to the collector, and are lost: {e}");
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.to.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.to.set_resource(resource);
    }
}
