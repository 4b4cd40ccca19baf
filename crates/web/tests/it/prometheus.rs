//! Prometheus' API as clients ask it: a query that runs out of time, the filters of `rules`, and what remote write answers.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::House;

async fn ask(house: &House, path: &str) -> (StatusCode, Value) {
    let answer = house.request(Method::GET, path).bearer_auth(&house.token).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_query_that_finds_no_place_within_its_timeout_is_refused_and_another_is_answered() {
    let house = House::open().await;
    for (timeout, status, kind) in [("0s", 400, "bad_data"), ("soon", 400, "bad_data"), ("1m", 200, "")] {
        let (told, answer) = ask(&house, &format!("/api/v1/query?query=1&timeout={timeout}")).await;
        assert_eq!((told.as_u16(), answer["errorType"].as_str().unwrap_or("")), (status, kind), "{timeout}: {answer}");
    }
    // Every place is taken, as by queries that last long.
    let places = house.state.queries.available_permits();
    let taken = house.state.queries.acquire_many(u32::try_from(places).unwrap()).await.unwrap();
    for path in ["query?query=1", "query_range?query=1&start=0&end=1&step=1", "labels?start=0&end=1"] {
        let (status, answer) = ask(&house, &format!("/api/v1/{path}&timeout=30ms")).await;
        assert_eq!((status.as_u16(), &answer["errorType"]), (503, &json!("timeout")), "{path}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains("30ms"), "{answer}");
    }
    drop(taken);
    assert_eq!(ask(&house, "/api/v1/query?query=1&timeout=1m").await.0, StatusCode::OK);
}

/// Which rules are told, as `group/rule`.
async fn rules(house: &House, filter: &str) -> Vec<String> {
    let (status, answer) = ask(house, &format!("/api/v1/rules?{filter}")).await;
    assert_eq!(status, StatusCode::OK, "{filter}: {answer}");
    let named = |value: &Value| value.as_str().unwrap().to_owned();
    let groups = answer["data"]["groups"].as_array().unwrap().clone();
    let of = |group: &Value| {
        let (name, rules) = (named(&group["name"]), group["rules"].as_array().unwrap().clone());
        rules.into_iter().map(move |rule| format!("{name}/{}", named(&rule["name"])))
    };
    groups.iter().flat_map(of).collect()
}

#[tokio::test]
async fn rules_are_told_by_kind_name_group_and_file() {
    let house = House::open().await;
    house.state.stores.ruler.turn().await.unwrap();
    let all = rules(&house, "").await;
    let kinds = [rules(&house, "type=alert").await, rules(&house, "type=record").await];
    assert!(kinds.iter().all(|kind| !kind.is_empty()), "{kinds:?}");
    assert_eq!(kinds.iter().map(Vec::len).sum::<usize>(), all.len());
    let (status, answer) = ask(&house, "/api/v1/rules?type=both").await;
    assert_eq!((status, &answer["errorType"]), (StatusCode::BAD_REQUEST, &json!("bad_data")), "{answer}");

    let first = all[0].clone();
    let (_, answer) = ask(&house, "/api/v1/rules").await;
    let group = &answer["data"]["groups"][0];
    let text = |value: &Value| encoded(value.as_str().unwrap());
    let (name, file, rule) = (text(&group["name"]), text(&group["file"]), text(&group["rules"][0]["name"]));
    for filter in [format!("rule_group[]={name}"), format!("file[]={file}"), format!("rule_name[]={rule}")] {
        assert!(rules(&house, &filter).await.contains(&first), "{filter}");
        // Several of one name are any of them.
        let key = filter.split('=').next().unwrap();
        assert!(rules(&house, &format!("{key}=nothing&{filter}")).await.contains(&first), "{filter}");
        assert_eq!(rules(&house, &format!("{key}=nothing")).await, Vec::<String>::new());
    }
    let narrow = format!("rule_group[]={name}&rule_name[]=nothing");
    assert_eq!(rules(&house, &narrow).await, Vec::<String>::new(), "all filters hold, and no empty group is told");
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// A field of a protobuf message that has a length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[(number << 3) | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// A sample: a double, and milliseconds since 1970.
fn sample(value: f64, at: i64) -> Vec<u8> {
    let mut bytes = [&[0x09][..], &value.to_le_bytes(), &[0x10]].concat();
    let mut rest = at.unsigned_abs();
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// The block form of snappy, as one piece that is not packed.
fn unpacked(message: &[u8]) -> Vec<u8> {
    let length = u8::try_from(message.len()).unwrap();
    assert!((61..128).contains(&length), "one byte says its length");
    [&[length, 60 << 2, length - 1], message].concat()
}

/// Writes samples of one series by remote write 2.0. Gives the status, the counts in the headers, and the text.
async fn write(house: &House, samples: &[Vec<u8>]) -> (u16, [String; 3], String) {
    let symbols = ["", "__name__", "queue_depth", "shop", "corner"].map(|text| field(4, text.as_bytes())).concat();
    let series = [field(1, &[1, 2, 3, 4]), samples.iter().flat_map(|one| field(2, one)).collect()].concat();
    let message = [symbols, field(5, &series)].concat();
    let request = house.request(Method::POST, "/api/v1/write").body(unpacked(&message));
    let kind = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    let headers = [("content-encoding", "snappy"), ("content-type", kind)];
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let answer = request.send().await.unwrap();
    let written = ["samples", "histograms", "exemplars"].map(|what| {
        let name = format!("x-prometheus-remote-write-{what}-written");
        answer.headers().get(&name).map_or_else(|| format!("no {name}"), |count| count.to_str().unwrap().to_owned())
    });
    (answer.status().as_u16(), written, answer.text().await.unwrap())
}

#[tokio::test]
async fn remote_write_says_how_much_was_written() {
    let house = House::open().await;
    let now = house.engine.now().as_millisecond();
    let counts = |samples: &str| [samples, "0", "0"].map(str::to_owned);
    let two = [sample(4.0, now - 1000), sample(5.0, now)];
    assert_eq!(write(&house, &two).await, (204, counts("2"), String::new()));
    // The same again is there already; tomorrow is refused, and the rest of its message is not.
    assert_eq!(write(&house, &two).await, (204, counts("2"), String::new()));
    let (status, written, why) = write(&house, &[sample(6.0, now + 1), sample(7.0, now + 86_400_000)]).await;
    assert_eq!((status, written), (400, counts("1")), "{why}");
    assert!(!why.is_empty());
}

#[tokio::test]
async fn rules_are_told_without_their_alerts_when_so_asked() {
    let house = House::open().await;
    house.state.stores.ruler.turn().await.unwrap();
    for (value, count) in [("", 1), ("&exclude_alerts=false", 1), ("&exclude_alerts=true", 0)] {
        let (status, answer) = ask(&house, &format!("/api/v1/rules?rule_name[]=Waits{value}")).await;
        assert_eq!(status, StatusCode::OK, "{value}: {answer}");
        let rule = &answer["data"]["groups"][0]["rules"][0];
        assert_eq!(
            (&rule["state"], rule["alerts"].as_array().map(Vec::len)),
            (&json!("pending"), Some(count)),
            "{rule}"
        );
    }
    let (status, answer) = ask(&house, "/api/v1/rules?exclude_alerts=perhaps").await;
    assert_eq!((status, &answer["errorType"]), (StatusCode::BAD_REQUEST, &json!("bad_data")), "{answer}");
}
