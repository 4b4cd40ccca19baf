//! What is masked and what is not. Secrets here are put together from parts, so that no scanner takes them for real.

use std::borrow::Cow;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::{Class, Kind, Masker, Policy};

/// A masker of everything; made once, because that takes a while without optimisation.
fn all() -> &'static Masker {
    static ALL: LazyLock<Masker> =
        LazyLock::new(|| Masker::new(Policy { network_addresses: true, ..Policy::default() }));
    &ALL
}

fn masked(text: &str) -> String {
    all().mask(text).text.into_owned()
}

/// So many signs that look random: digits and letters by turns.
fn random(length: usize) -> String {
    "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0".chars().cycle().take(length).collect()
}

/// The same of hexadecimal digits.
fn hex(length: usize) -> String {
    "0f1e2d3c4b5a6978".chars().cycle().take(length).collect()
}

#[test]
fn tokens_are_known_by_their_prefix() {
    let cases = [
        (format!("ghp_{}", random(36)), "github-token"),
        (format!("github_pat_{}", random(82)), "github-token"),
        (format!("glpat-{}", random(20)), "gitlab-token"),
        (format!("AKIA{}", "ABCDEFGHIJKLMNOP"), "aws-access-key-id"),
        (format!("AIza{}", random(35)), "google-api-key"),
        (format!("xoxb-{}", random(40)), "slack-token"),
        (format!("sk_live_{}", random(24)), "stripe-key"),
        (format!("sk-ant-api03-{}", random(60)), "anthropic-key"),
        (format!("hf_{}", random(34)), "huggingface-token"),
        (format!("npm_{}", random(36)), "npm-token"),
        (format!("dckr_pat_{}", random(27)), "docker-token"),
        (format!("dop_v1_{}", hex(64)), "digitalocean-token"),
        (format!("shpat_{}", hex(32)), "shopify-token"),
        (format!("SG.{}.{}", random(22), random(43)), "sendgrid-key"),
        (format!("hvs.{}", random(24)), "vault-token"),
        (format!("{}-us12", hex(32)), "mailchimp-key"),
        (format!("123456789:AA{}", random(33)), "telegram-token"),
        (format!("AGE-SECRET-KEY-1{}", random(58).to_uppercase()), "age-key"),
    ];
    for (token, kind) in cases {
        assert_eq!(masked(&format!("got {token}, and left")), format!("got <masked:{kind}>, and left"), "{token}");
        assert!(!masked(&format!("x{token}x")).contains(kind), "inside a word: {token}");
    }
}

#[test]
fn a_value_is_masked_by_its_name() {
    let named = |name: &str, value: &str| all().mask_named(name, value).text.into_owned();
    let token = random(24);
    let cases = [
        ("password", "hunter2", "<masked:password>"),
        ("user.db_password", "a \"b\" c'd, e", "<masked:password>"),
        ("password", "hunter2!\nsecond line", "<masked:password>"),
        ("dbPassword", "12345678", "<masked:password>"),
        ("x-api-key", &token, "<masked:secret>"),
        ("--password", "hunter2", "<masked:password>"),
        ("user[password]", "hunter2", "<masked:password>"),
        ("ssn", "078051120", "<masked:us-ssn>"),
        ("phone", "0301234567", "<masked:phone>"),
        ("msg", "login", "login"),
        ("password", "null", "null"),
        ("", "hunter2", "hunter2"),
        ("msg", "password=hunter2 for ada", "password=<masked:password> for ada"),
        ("http.request.duration", "1700000000000", "1700000000000"),
        ("url", "GET /reset", "GET /reset"),
    ];
    for (name, value, expected) in cases {
        assert_eq!(named(name, value), expected, "{name}: {value}");
    }
    let long = format!("{}password", "é".repeat(1000));
    assert_eq!(named(&long, "hunter2"), "<masked:password>");
}

#[test]
fn structures_are_masked_and_what_is_around_them_stays() {
    let cases = [
        ("postgres://app:hunter2@db:5432/main".to_owned(), "postgres://app:<masked:url-password>@db:5432/main"),
        ("amqp://app:$PASSWORD@mq/".to_owned(), "amqp://app:$PASSWORD@mq/"),
        (format!("see eyJ{}.{}.{} there", random(20), random(40), random(30)), "see <masked:json-web-token> there"),
        (format!("$2b$12${} x", random(53)), "<masked:password-hash> x"),
        ("curl -u ann:hunter2 http://x/".to_owned(), "curl -u ann:<masked:password> http://x/"),
        ("Authorization: Basic YW5uOmh1bnRlcjI=".to_owned(), "Authorization: Basic <masked:basic-credentials>"),
        (format!("Authorization: Bearer {}", random(30)), "Authorization: Bearer <masked:secret>"),
        (
            format!("to https://hooks.slack.com/services/{}/{}", random(9), random(24)),
            "to https://hooks.slack.com/services/<masked:webhook>",
        ),
        (
            format!("a -----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY----- b", random(64)),
            "a <masked:private-key> b",
        ),
        (format!("a -----BEGIN PRIVATE KEY-----\\n{}", random(64)), "a <masked:private-key>"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(&text), expected, "{text}");
    }
    let public = "-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----";
    assert_eq!(masked(public), public);
}

#[test]
fn a_word_announces_a_value() {
    let value = random(24);
    let cases = [
        ("password=hunter2", "password=<masked:password>"),
        ("password: hunter2, user: ann", "password: <masked:password>, user: ann"),
        (r#"{"db_pass":"a b"}"#, r#"{"db_pass":"a b"}"#),
        (r#"{"db_pass":"s3 cr"}"#, r#"{"db_pass":"<masked:password>"}"#),
        ("--db-password hunter2 --x", "--db-password <masked:password> --x"),
        ("the password is 'hunter2'.", "the password is '<masked:password>'."),
        ("api_key = {}", "api_key = <masked:secret>"),
        ("X-Api-Key: {}", "X-Api-Key: <masked:secret>"),
        ("MY_TOKEN='{}'", "MY_TOKEN='<masked:secret>'"),
        ("/cb?token={}&x=1", "/cb?token=<masked:secret>&x=1"),
        ("token is {}", "token is <masked:secret>"),
        ("AccountKey={};EndpointSuffix=x", "AccountKey=<masked:secret>;EndpointSuffix=x"),
        (r#"<add key="MailPassword" value="hunter2"/>"#, r#"<add key="MailPassword" value="<masked:password>"/>"#),
        ("ftp://user:secret@host/", "ftp://user:<masked:url-password>@host/"),
        (r#"label: "Password:", next: "x""#, r#"label: "Password:", next: "x""#),
        ("secret key {}", "secret key <masked:secret>"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(&text.replace("{}", &value)), expected, "{text}");
    }
}

#[test]
fn what_looks_like_a_secret_and_is_none_stays() {
    let texts = [
        "password: required",
        "password=${DB_PASSWORD}",
        "password = os.environ['DB_PASSWORD']",
        "password=********",
        "if password == stored",
        "def login(user='', password='', domain='')",
        "check pass; user unknown",
        "5 tests pass and 3 fail",
        "token expired at 2026-11-12T07:40:51Z",
        "unexpected token ')' in main.js",
        "primary key 550e8400-e29b-41d4-a716-446655440000 exists",
        "keyboard abc123def456ghi",
        "monkey business",
        "access to /var/lib/app/data1 denied",
        "auth failure for host db-01.eu.example.com",
        "commit 78b1aba572d896361704aa2776344ce22f93f3f9 was built",
        "trace a3816a90a75e1896453b2ec4ebc8f331",
        "sessionid 0x14ede63a5a70002 ended",
        "pod auth-db881b11b5-tzvbl of token-service-7d9f8b6c5d-x2x9z was killed",
        "private network 10.0.0.0/8",
        "git@github.com:a/b.git",
    ];
    for text in texts {
        let result = all().mask(text);
        assert!(matches!(result.text, Cow::Borrowed(_)), "{text}: {}", result.text);
    }
}

#[test]
fn personal_data_are_known_by_form_and_check_digits() {
    let cases = [
        ("mail ann.b@example.org now", "mail <masked:email> now"),
        ("<jürgen@example.org>", "<<masked:email>>"),
        ("card 4111 1111 1111 1111 x", "card <masked:payment-card> x"),
        ("card 4111-1111-1111-1112", "card 4111-1111-1111-1112"),
        ("order 4228440935029063", "order 4228440935029063"),
        ("iban GB82 WEST 1234 5698 7654 32.", "iban <masked:iban>."),
        ("iban=DE89370400440532013000", "iban=<masked:iban>"),
        ("ref DE89370400440532013001", "ref DE89370400440532013001"),
        ("SSN 219-09-9998", "SSN <masked:us-ssn>"),
        ("number 666-09-9998", "number 666-09-9998"),
        ("call +49 30 901820 today", "call <masked:phone> today"),
        ("call (212) 555-0123", "call <masked:phone>"),
        ("tel. 030 901820", "tel. <masked:phone>"),
        ("offset 2120775663", "offset 2120775663"),
        ("NHS number 943 476 5919 of", "NHS number <masked:uk-nhs-number> of"),
        ("NI QQ123456C", "NI QQ123456C"),
        ("NI AB123456C", "NI <masked:uk-nino>"),
        ("NPI 1234567893", "NPI <masked:us-npi>"),
        ("MBI 1EG4-TE5-MK73", "MBI <masked:us-mbi>"),
        ("MRN 54709382", "MRN <masked:medical-record-number>"),
        ("DOB 03/04/1969:", "DOB <masked:date-of-birth>:"),
        ("cpf 529.982.247-25", "cpf <masked:br-cpf>"),
        ("from 8.8.8.8 and 10.1.2.3", "from <masked:ip-address> and 10.1.2.3"),
        ("version 8.8.8.8", "version 8.8.8.8"),
        ("card aa:bb:0c:dd:ee:ff", "card <masked:mac-address>"),
        ("at 2026-11-12 07:40:51.123", "at 2026-11-12 07:40:51.123"),
    ];
    for (text, expected) in cases {
        assert_eq!(masked(text), expected, "{text}");
    }
}

#[test]
fn a_policy_says_what_is_masked() {
    let text = "password=hunter2 of ann@example.org from 8.8.8.8";
    let mask = |policy| Masker::new(policy).mask(text).text.into_owned();
    let none = Policy { secrets: false, personal: false, network_addresses: false };
    assert_eq!(mask(none), text);
    assert_eq!(mask(Policy::default()), "password=<masked:password> of <masked:email> from 8.8.8.8");
    assert_eq!(mask(Policy { secrets: true, ..none }), "password=<masked:password> of ann@example.org from 8.8.8.8");
}

#[test]
fn hits_say_where_they_stood() {
    let found = all().find("é password=hunter2 ann@example.org");
    let shown: Vec<(&str, Class, _)> =
        found.iter().map(|hit| (hit.kind.name(), hit.kind.class(), hit.range.clone())).collect();
    assert_eq!(shown, [("password", Class::Secret, 12..19), ("email", Class::Personal, 20..35)]);
}

#[test]
fn the_surer_kind_names_what_two_rules_found() {
    let token = format!("ghp_{}", random(36));
    assert_eq!(masked(&format!("token={token}")), "token=<masked:github-token>");
    assert_eq!(masked(&format!("https://ann:{token}@github.com/")), "https://ann:<masked:url-password>@github.com/");
}

#[test]
fn hostile_text_costs_no_more_than_its_length() {
    // Each unit begins something that could be looked for far ahead; far too slow would take minutes here.
    let units = [
        "key=",
        "password:",
        "$1$",
        "a-us",
        "-----BEGIN PRIVATE KEY-----",
        "ya29.",
        "://a:",
        "@",
        "eyJ",
        "1 ",
        "tel 1-2",
    ];
    let masker = all();
    for unit in units {
        let text = unit.repeat(20_000 / unit.len());
        assert!(masker.mask(&text).found.len() <= text.len());
    }
}

proptest! {
    #[test]
    fn what_has_a_name_is_masked_within_its_value(name in ".{0,40}", value in ".{0,80}") {
        let masked = all().mask_named(&name, &value);
        let mut end = 0;
        for hit in &masked.found {
            prop_assert!(hit.range.start >= end && value.get(hit.range.clone()).is_some_and(|found| !found.is_empty()));
            end = hit.range.end;
        }
    }

    #[test]
    fn any_text_is_masked_without_overlaps(text in any::<String>(), more in "[ -~]{0,120}") {
        for text in [&text, &more] {
            let masked = all().mask(text);
            let mut end = 0;
            for hit in &masked.found {
                prop_assert!(hit.range.start >= end && hit.range.start < hit.range.end && hit.range.end <= text.len());
                prop_assert!(text.get(hit.range.clone()).is_some());
                end = hit.range.end;
            }
            prop_assert_eq!(masked.found.is_empty(), matches!(masked.text, Cow::Borrowed(_)));
        }
    }

    #[test]
    fn what_is_joined_from_pieces_never_panics(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "password", "key", "=", ":", "\"", "'", " ", "é", "://", "a:b@", "@", "eyJ", ".", "-", "$1$", "12", "AB", "(", ")",
            "Basic ", " -u ", "psexec -p ", "ghp_", "-----BEGIN ", "PRIVATE KEY", "mrn ", "+1", "\u{1F600}", "token is ", "--",
        ]), 0..40),
    ) {
        let text = pieces.concat();
        let masked = all().mask(&text);
        prop_assert!(masked.found.iter().all(|hit| text.get(hit.range.clone()).is_some()));
    }
}

#[test]
fn kinds_have_names_that_fit_into_a_text() {
    let names = super::tokens::TOKENS.iter().map(super::tokens::Token::kind).map(Kind::name);
    for name in names {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'), "{name}");
    }
}
