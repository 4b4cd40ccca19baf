//! What the rooms of the teams concerned are told of a published update. Not how it gets there: that is a connector's.

use kernel::Delivery;
use kernel::delivery::Message;

use crate::state::{Notice, State, Telling, Update};
use crate::words::UpdateId;

/// The deliveries of an update that was just published.
pub(crate) fn deliveries(state: &State, id: UpdateId) -> Vec<Delivery> {
    state.update(id).map_or_else(Vec::new, |(notice, update)| wanted(notice, update).collect())
}

/// Every delivery without a final answer.
pub(crate) fn outstanding(state: &State) -> Vec<Delivery> {
    state.untold().flat_map(|id| deliveries(state, id)).collect()
}

fn wanted<'a>(notice: &'a Notice, update: &'a Update) -> impl Iterator<Item = Delivery> + 'a {
    update.tellings.iter().filter(|telling| !telling.done).map(move |telling| delivery(notice, update, telling))
}

fn delivery(notice: &Notice, update: &Update, telling: &Telling) -> Delivery {
    let wording = &update.wording;
    let components = wording.components.iter().map(|(name, status)| (name.to_string(), status.title().to_owned()));
    let path = notice.incident.map_or_else(|| "/status".to_owned(), |incident| format!("/incidents/{}", incident.0));
    Delivery {
        id: telling.delivery.clone(),
        address: telling.room.clone(),
        message: Message {
            title: format!("{}: {}", wording.stage.title(), wording.title),
            body: wording.text.clone(),
            severity: None,
            details: components.collect(),
            path,
            acknowledge: None,
            data: None,
        },
    }
}
