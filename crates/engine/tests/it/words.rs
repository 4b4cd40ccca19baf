//! The words with which an update begins: the watchbook's, else ours.

use engine::Read;
use kernel::book::Component;
use kernel::{Actor, Seconds};

use crate::house::{House, book};

/// The text of the draft that the first bad incident leaves, with a template for it.
async fn first_draft(template: Option<&str>) -> (String, String) {
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
        book.templates.insert("investigating".parse().unwrap(), text.to_owned());
    }
    let system = Actor::system("test");
    house.engine.apply_book(&system, book, "test").await.unwrap();
    house.clock.advance(Seconds::minutes(5));
    house.fire("a").await.unwrap();
    let draft = house.engine.read(&system, Read::of("comms:read"), |world| {
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
