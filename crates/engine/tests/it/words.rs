//! The words with which an update begins: the watchbook's, else ours.

use comms::{ComponentStatus, Stage, UpdateId};
use engine::Read;
use kernel::book::Component;
use kernel::{Actor, IncidentId, Seconds, Sensitivity};

use crate::house::{House, book, person};

/// A house whose status page has two components, with a template.
async fn house_with(stage: &str, template: Option<&str>) -> House {
    let house = House::open().await;
    let mut book = book();
    book.organisation = "Corner Shop".into();
    let component = |name: &str, title: &str| Component {
        name: name.parse().unwrap(),
        title: title.into(),
        description: String::new(),
        services: vec!["checkout".parse().unwrap()],
    };
    book.components = vec![component("orders", "Orders"), component("baskets", "Baskets")];
    if let Some(text) = template {
        book.templates.insert(stage.parse().unwrap(), text.to_owned());
    }
    house.engine.apply_book(&Actor::system("test"), book, "test").await.unwrap();
    house.clock.advance(Seconds::minutes(5));
    house
}

/// The text of the draft that the first bad incident leaves, with a template for it.
async fn first_draft(template: Option<&str>) -> (String, String) {
    let house = house_with("investigating", template).await;
    house.fire("a").await.unwrap();
    let draft = house.engine.read(&Actor::system("test"), Read::of("comms:read"), |world| {
        world.comms.drafts().map(|(_, update)| (update.wording.title.clone(), update.wording.text.clone())).next()
    });
    draft.unwrap().expect("a bad incident leaves a draft")
}

#[tokio::test]
async fn the_first_update_is_the_watchbooks_template() {
    let template = "{{ organisation }}: {{ severity }} of {{ components | join(' and ') }} since {{ since }}. \
                    {% if next_update %}More by {{ next_update }}.{% endif %}\n";
    let (title, text) = first_draft(Some(template)).await;
    assert_eq!(title, "Problems with Orders");
    assert_eq!(text, "Corner Shop: major outage of Orders and Baskets since 10:05 UTC. More by 10:35 UTC.");
}

#[tokio::test]
async fn without_a_template_that_works_it_begins_with_our_own_words() {
    let own = "We see problems with Orders, Baskets and are looking into them. Next update by 10:35 UTC.";
    let long = format!("{{{{ title }}}}{}", "!".repeat(comms::TEXT_BYTES_MAX));
    let endless = "{% for i in range(99999) %}{{ i }}{% endfor %}";
    for template in
        [None, Some("{{ incident }}"), Some("{{ title"), Some("  {# nothing #}"), Some(&*long), Some(endless)]
    {
        assert_eq!(first_draft(template).await.1, own, "{template:?}");
    }
}

const ONE: IncidentId = IncidentId(1);

/// The drafts there are, each with its stage, its text and its components.
fn drafts(house: &House) -> Vec<String> {
    let drafts = house.engine.read(&Actor::system("test"), Read::of("comms:read"), |world| {
        let draft = |update: &comms::Update| {
            let of =
                |(name, status): &(kernel::ComponentName, ComponentStatus)| format!(", {name} {}", status.as_str());
            let components: String = update.wording.components.iter().map(of).collect();
            format!("{}: {}{components}", update.wording.stage.as_str(), update.wording.text)
        };
        world.comms.drafts().map(|(_, update)| draft(update)).collect()
    });
    drafts.unwrap()
}

async fn publish(house: &House, update: u32) {
    let publish = comms::Command::Publish { update: UpdateId(update), revision: None };
    house.engine.ask(&person("ada"), publish).await.unwrap();
}

async fn resolve(house: &House) {
    let resolve = incidents::Command::Resolve { incident: ONE, how: "the node is back".into() };
    house.engine.ask(&person("ada"), resolve).await.unwrap();
}

#[tokio::test]
async fn what_customers_read_of_an_incident_that_is_over_gets_one_draft_that_says_so() {
    let house = house_with("resolved", Some("{{ title }}. It works again.")).await;
    house.fire("a").await.unwrap();
    publish(&house, 1).await;
    resolve(&house).await;
    let over = "resolved: Problems with Orders. It works again., baskets operational, orders operational";
    assert_eq!(drafts(&house), [over]);
    let shown = || {
        let read = Read::of("status:read");
        let components = house.engine.read(&Actor::Anonymous, read, |world| {
            world.comms.components(&world.book).iter().map(|now| now.status).max().unwrap()
        });
        components.unwrap()
    };
    assert_eq!(shown(), ComponentStatus::MajorOutage, "until somebody publishes it");

    let reopen = incidents::Command::Reopen { incident: ONE, why: "it fails again".into() };
    house.engine.ask(&person("ada"), reopen).await.unwrap();
    resolve(&house).await;
    assert_eq!(drafts(&house), [over], "the draft that is there will do");
    publish(&house, 2).await;
    assert_eq!((drafts(&house), shown()), (Vec::new(), ComponentStatus::Operational));
}

#[tokio::test]
async fn what_customers_never_read_or_know_to_be_over_needs_no_last_update() {
    let house = house_with("resolved", None).await;
    house.fire("a").await.unwrap();
    let first = drafts(&house);
    resolve(&house).await;
    assert_eq!(drafts(&house), first, "nothing was published");

    let house = house_with("resolved", None).await;
    house.fire("a").await.unwrap();
    publish(&house, 1).await;
    let over = comms::Command::Draft {
        notice: None,
        incident: Some(ONE),
        title: String::new(),
        stage: Stage::Resolved,
        text: "It is over.".into(),
        components: Vec::new(),
        next_update_in: None,
        sensitivity: Sensitivity::Internal,
    };
    house.engine.ask(&person("ada"), over).await.unwrap();
    publish(&house, 2).await;
    resolve(&house).await;
    assert_eq!(drafts(&house), Vec::<String>::new(), "it is told already");
}
