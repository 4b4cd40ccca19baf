//! The alerts that benches send: 8 labels, 3 annotations, about 620 bytes each, one hundred to a service.

use super::machine;
use jiff::{SignedDuration, Timestamp};

/// How many alerts share a service, and so a group.
pub const PER_GROUP: u64 = 100;
/// How the clusters of alerts are called that nobody is told about.
pub const BACKDROP: &str = "backdrop";
/// How long an alert stays active without being sent again.
const ACTIVE: SignedDuration = SignedDuration::from_hours(24);

/// Writes alerts that started when the maker was made.
#[derive(Debug, Clone)]
pub struct Maker {
    starts: Timestamp,
    ends: Timestamp,
    cluster: &'static str,
}

impl Maker {
    /// Alerts that start now and stay active for a day.
    pub fn firing() -> Self {
        let now = machine::now();
        Self { starts: now, ends: now + ACTIVE, cluster: "cluster" }
    }

    /// Alerts that are active all the time and that nobody is told about: their cluster is `backdrop-NUMBER`.
    pub fn backdrop() -> Self {
        Self { cluster: BACKDROP, ..Self::firing() }
    }

    /// The same alerts, ended now.
    pub fn resolved(&self) -> Self {
        Self { ends: machine::now(), ..self.clone() }
    }

    /// The alert number `seq`; its label `seq` is `sNUMBER`.
    pub fn alert(&self, seq: u64) -> String {
        let group = seq / PER_GROUP;
        let severity = ["critical", "warning", "info"][(seq % 3) as usize];
        format!(
            concat!(
                r#"{{"labels":{{"alertname":"RequestLatencyHigh{}","cluster":"{}-{}","instance":"10.{}.{}.{}:9100","#,
                r#""namespace":"namespace-{}","pod":"checkout-{:08}","seq":"s{}","service":"svc-{}","severity":"{}"}},"#,
                r#""annotations":{{"summary":"Requests of svc-{} take longer than their target","#,
                r#""description":"The 99th percentile over five minutes is 2.31 s, the target is 0.50 s; see the panel.","#,
                r#""runbook_url":"https://runbooks.example.com/latency/request-latency-high"}},"#,
                r#""startsAt":"{:.3}","endsAt":"{:.3}","#,
                r#""generatorURL":"http://prometheus.example.com:9090/graph?g0.expr=latency_p99&g0.tab=1"}}"#
            ),
            group % 50,
            self.cluster,
            group % 7,
            seq / 62_500 % 250,
            seq / 250 % 250,
            seq % 250,
            group % 40,
            seq,
            seq,
            group,
            severity,
            group,
            self.starts,
            self.ends,
        )
    }

    /// The body of one POST with the alerts `from..from + count`.
    pub fn batch(&self, from: u64, count: u64) -> String {
        let alerts: Vec<String> = (from..from + count).map(|seq| self.alert(seq)).collect();
        format!("[{}]", alerts.join(","))
    }

    /// The bodies that carry `total` alerts in batches of `size`, from number `from` on.
    pub fn batches(&self, from: u64, total: u64, size: u64) -> Vec<String> {
        let starts = (0..total.div_ceil(size)).map(|index| from + index * size);
        starts.map(|start| self.batch(start, size.min(from + total - start))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_has_the_size_and_the_shape_that_the_method_names() {
        let alert = Maker::firing().alert(123_456);
        assert!((600..=640).contains(&alert.len()), "{} bytes: {alert}", alert.len());
        let alert: serde_json::Value = serde_json::from_str(&alert).unwrap();
        assert_eq!(alert["labels"].as_object().unwrap().len(), 8);
        assert_eq!(alert["annotations"].as_object().unwrap().len(), 3);
        assert_eq!(alert["labels"]["seq"], "s123456");
    }

    #[test]
    fn batches_carry_every_alert_once() {
        let batches = Maker::firing().batches(10, 25, 10);
        let sizes: Vec<usize> = batches.iter().map(|body| body.matches("\"seq\"").count()).collect();
        assert_eq!(sizes, [10, 10, 5]);
        assert!(batches[2].contains("\"s34\"") && !batches[2].contains("\"s35\""));
    }
}
