//! Logging in and out: how often somebody may try, what an answer tells, and when a session is over.

use axum::http::StatusCode;
use kernel::{PersonName, Seconds, Timestamp};
use reqwest::{Method, Response};

use crate::house::House;
use crate::walk::Visitor;

const PASSWORD: &str = "correct horse battery";

async fn try_in(visitor: &Visitor<'_>, person: &str, password: &str) -> Response {
    visitor.post("/login", &[("person", person), ("password", password)]).await
}

async fn with_password(house: &House, name: &str) {
    web::session::set_password(&house.state, &PersonName::new(name).unwrap(), PASSWORD).await.unwrap();
}

/// Waits until so many wrong passwords of somebody are recorded.
async fn recorded(house: &House, person: &str, failures: u32) {
    let mut changes = house.engine.watch();
    let count = || {
        let read = engine::Read::of("governance:read");
        let seen = |world: &engine::World| world.governance.access(person).map_or(0, |access| access.failures);
        house.engine.read(&kernel::Actor::system("test"), read, seen).unwrap()
    };
    while count() < failures {
        changes.changed().await.unwrap();
    }
}

#[tokio::test]
async fn wrong_passwords_lock_the_name_and_tell_nothing_about_who_exists() {
    let house = House::open().await;
    with_password(&house, "ada").await;
    let nobody = Visitor::nobody(&house);
    let mut told = Vec::new();
    for failures in 1..=governance::PASSWORD_FAILURES_FREE {
        for person in ["ada", "nobody"] {
            let answer = try_in(&nobody, person, "wrong wrong wrong").await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "a refusal is told and counted as one");
            told.push(answer.text().await.unwrap().replace(person, "NAME"));
        }
        recorded(&house, "ada", failures).await;
    }
    for person in ["ada", "nobody"] {
        told.push(try_in(&nobody, person, PASSWORD).await.text().await.unwrap().replace(person, "NAME"));
    }
    told.dedup();
    assert_eq!(told.len(), 1, "locked, wrong and unknown look alike: {told:#?}");
    house.pass(Seconds::minutes(15)).await;
    assert_eq!(try_in(&nobody, "ada", PASSWORD).await.status(), StatusCode::SEE_OTHER, "a lock ends");
}

#[tokio::test]
async fn an_address_that_guesses_is_stopped_whatever_the_names() {
    let house = House::open().await;
    let (nobody, now) = (Visitor::nobody(&house), house.engine.now());
    for _ in 1..web::throttle::WRONG_PASSWORDS.burst {
        house.state.throttles.passwords.take("127.0.0.1", now).unwrap();
    }
    assert_eq!(try_in(&nobody, "x1", "wrong wrong wrong").await.status(), StatusCode::FORBIDDEN);
    let stopped = try_in(&nobody, "x2", "wrong wrong wrong").await;
    assert_eq!(stopped.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(stopped.headers()["retry-after"], "10");
}

#[tokio::test]
async fn wrong_tokens_and_too_many_requests_are_told_when_to_come_again() {
    let house = House::open().await;
    let look = |token: String| house.request(Method::GET, "/api/v1/alerts").bearer_auth(token).send();
    let wrong = house.token.replace('7', "6");
    let statuses = async |count: u32, token: &str| {
        let mut last = StatusCode::OK;
        for _ in 0..count {
            last = look(token.to_owned()).await.unwrap().status();
        }
        last
    };
    assert_eq!(statuses(1, &house.token).await, StatusCode::OK);
    assert_eq!(statuses(web::throttle::WRONG_TOKENS.burst, &wrong).await, StatusCode::UNAUTHORIZED);
    let stopped = look(wrong).await.unwrap();
    assert_eq!(
        (stopped.status(), &stopped.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().unwrap())
    );
    assert_eq!(statuses(1, &house.token).await, StatusCode::OK, "a token that is known goes on");
    let now: Timestamp = house.engine.now();
    while house.state.throttles.requests.take("integration:tester", now).is_ok() {}
    let stopped = look(house.token.clone()).await.unwrap();
    assert_eq!(stopped.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(stopped.text().await.unwrap().contains("too many requests: try again in 1s"));
}

#[tokio::test]
async fn a_session_is_new_with_each_login_and_over_when_it_is_over() {
    let house = House::open().await;
    with_password(&house, "ada").await;
    let mut planted = Visitor::nobody(&house);
    planted.cookie = format!("{}={}", web::session::COOKIE_NAME, "a".repeat(64));
    let answer = try_in(&planted, "ada", PASSWORD).await;
    let set = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(!set.contains(&planted.cookie), "a cookie that was planted is not taken over");
    let is_in = async |visitor: &Visitor<'_>| visitor.get("/me").await.status() == StatusCode::OK;
    assert!(!is_in(&planted).await);

    let first = Visitor::person(&house, "ada").await;
    let second = Visitor::person(&house, "ada").await;
    let live = first.get("/live").await;
    assert!(is_in(&first).await && is_in(&second).await && live.status() == StatusCode::OK);
    first.post("/logout", &[]).await;
    assert!(!is_in(&first).await && is_in(&second).await, "logging out ends the session here, not only in the browser");
    let told = tokio::time::timeout(std::time::Duration::from_secs(10), live.text()).await;
    assert!(told.is_ok(), "the live stream ends with its session");

    with_password(&house, "ada").await;
    assert!(!is_in(&second).await, "a new password ends every session");
    let third = Visitor::person(&house, "ada").await;
    house.pass(web::session::SESSION_LASTS).await;
    assert!(!is_in(&third).await, "a session ends by itself");
}

#[tokio::test]
async fn after_logging_in_nobody_is_led_elsewhere() {
    let house = House::open().await;
    with_password(&house, "ada").await;
    for (next, to) in
        [("/oncall", "/oncall"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("/\t/evil.example", "/")]
    {
        let nobody = Visitor::nobody(&house);
        let fields = [("person", "ada"), ("password", PASSWORD), ("next", next)];
        let answer = nobody.post("/login", &fields).await;
        assert_eq!(answer.headers()["location"], to, "{next:?}");
        let ada = Visitor::person(&house, "ada").await;
        let answer = ada.post("/theme", &[("theme", "dark"), ("back", next)]).await;
        assert_eq!(answer.headers()["location"], to, "{next:?}");
    }
}

#[tokio::test]
async fn a_person_has_one_invitation_and_none_after_a_password_is_set() {
    let house = House::open().await;
    let nobody = Visitor::nobody(&house);
    let invite = async |name| {
        let (system, person) = (kernel::Actor::system("test"), PersonName::new(name).unwrap());
        web::letting_in::invite(&house.engine, &system, &person, Seconds::hours(1)).await.unwrap().text
    };
    let status = async |link: &str, password: &str| {
        nobody.post(link, &[("password", password), ("again", password)]).await.status()
    };
    let (bruno, first, second) = (invite("bruno").await, invite("ada").await, invite("ada").await);
    let forged = second.replace("wk_ada_", "wk_bruno_");
    for link in [&first, &forged, &"/invite/wk_ada_1".to_owned(), &"/invite/ada".to_owned()] {
        assert_eq!(status(link, "another pass phrase").await, StatusCode::OK, "{link} leads nowhere");
    }
    assert_eq!(status(&second, PASSWORD).await, StatusCode::SEE_OTHER, "the newest one works");
    assert_eq!(status(&second, "another pass phrase").await, StatusCode::OK, "once");
    assert_eq!(try_in(&nobody, "ada", PASSWORD).await.status(), StatusCode::SEE_OTHER, "nothing set another one");

    let third = invite("ada").await;
    let ada = Visitor::person(&house, "ada").await;
    let changed = [("current", PASSWORD), ("password", "a changed pass phrase"), ("again", "a changed pass phrase")];
    assert_eq!(ada.post("/me/password", &changed).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(status(&third, "another pass phrase").await, StatusCode::OK, "a changed password ends it");
    assert_eq!(status(&bruno, PASSWORD).await, StatusCode::SEE_OTHER, "somebody else's goes on");
}
