//! The metrics provider (`metricsProvider.*`): the default one, or a page for Prometheus.

use std::net::IpAddr;

use super::error::ConfigError;
use super::listen::{parse_port, resolve};
use super::reader::Reader;

const DEFAULT: &str = "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider";
const NULL: &str = "org.apache.zookeeper.metrics.impl.NullMetricsProvider";
const PROMETHEUS: &str = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";

/// Who tells the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsProvider {
    /// The four-letter word mntr alone.
    Default,
    /// Nobody: mntr has the server's version and state only.
    Null,
    /// A page for Prometheus, and mntr in its dialect.
    Prometheus(PrometheusPage),
}

/// Where the page is (`metricsProvider.http*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrometheusPage {
    /// None: all of them, as for 0.0.0.0.
    pub address: Option<IpAddr>,
    /// Default 7000; 0 is any that is free.
    pub port: u16,
    /// With figures of the process under the JVM's names; default true.
    pub export_jvm_info: bool,
}

impl MetricsProvider {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
        let name = "metricsProvider.className";
        let class = reader.key(name);
        let page = page(reader)?;
        match class {
            None => Ok(MetricsProvider::Default),
            Some(class) => match class.value.as_str() {
                DEFAULT => Ok(MetricsProvider::Default),
                NULL => Ok(MetricsProvider::Null),
                PROMETHEUS => Ok(MetricsProvider::Prometheus(page)),
                _ => Err(ConfigError::invalid(
                    name,
                    class,
                    "is a class that is not part of Apache ZooKeeper",
                    format!(
                        "write {PROMETHEUS} for a page that Prometheus reads, or remove the metricsProvider lines"
                    ),
                )),
            },
        }
    }
}

fn page(reader: &mut Reader<'_>) -> Result<PrometheusPage, ConfigError> {
    let (host, port) = ("metricsProvider.httpHost", "metricsProvider.httpPort");
    let address = reader.key(host);
    let address = address.map(|setting| resolve(setting.value.trim(), host, setting));
    let number = reader.key(port).map(|setting| parse_port(port, setting));
    let with_jvm = reader.key("metricsProvider.exportJvmInfo");
    Ok(PrometheusPage {
        address: address.transpose()?,
        port: number.unwrap_or(Ok(7000))?,
        // Boolean.parseBoolean
        export_jvm_info: with_jvm.is_none_or(|flag| flag.value.eq_ignore_ascii_case("true")),
    })
}
