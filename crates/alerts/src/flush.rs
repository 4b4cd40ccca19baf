//! What a group tells, and when: the first page, a changed or repeated one, and the end. Not whom: see `escalate`.

use kernel::time::{Seconds, Timestamp};
use kernel::{Fingerprint, Labels, PolicyName, ServiceName, Severity};

use crate::draft::{Draft, Touched};
use crate::event::{Event, PAGE_ALERTS_MAX, PageOpened, Renewal, Restart, Says};
use crate::id::PageId;
use crate::page::{Page, Phase};
use crate::times;

/// The most alerts of a group whose severity is looked at for one page.
pub const ASSESSED_MAX: usize = 1000;
/// The most characters of a title.
pub const TITLE_CHARS_MAX: usize = 160;
/// How bad a page is when no severity rule says so.
pub const SEVERITY_DEFAULT: Severity = Severity::P3;

/// What a group's alerts amount to.
struct Assessment {
    severity: Severity,
    declare: bool,
    why: String,
    update_every: Seconds,
    service: Option<ServiceName>,
    title: String,
    alerts: Vec<Fingerprint>,
    count: u32,
}

impl Draft<'_> {
    /// Decides what every touched group tells.
    pub(crate) fn settle_groups(&mut self) {
        let touched = std::mem::take(&mut self.touched);
        for group in touched.get(self.settled..).unwrap_or_default() {
            self.flush(group);
        }
        self.settled = touched.len();
        self.touched = touched;
    }

    fn flush(&mut self, touched: &Touched) {
        let (firing, unmuted) = self.counts(touched);
        match self.page(touched) {
            Some(page) if firing == 0 => self.close(page),
            Some(page) if unmuted > 0 => {
                if let Some(why) = self.renewal(touched, page)
                    && !self.held(touched)
                {
                    self.renew(touched, page, why);
                }
            }
            None if unmuted > 0 && self.flush_at(touched).is_some_and(|at| at <= self.now()) && !self.held(touched) => {
                self.open_page(touched);
            }
            _ => {}
        }
    }

    fn flush_at(&self, touched: &Touched) -> Option<Timestamp> {
        let opening = touched.opens.as_ref().map(|opens| opens.flush_at);
        self.group(touched).map(|group| group.flush_at).or(opening)
    }

    /// Whether a group's route keeps quiet now; if so, that is said, once.
    fn held(&mut self, touched: &Touched) -> bool {
        let group = self.group(touched);
        let opening = touched.opens.as_ref().map(|opens| &opens.times);
        let Some(times) = group.map(|group| &group.times).or(opening) else { return false };
        let Some(quiet) = times::quiet(self.context.book, times, self.now()) else { return false };
        let said = group.and_then(|group| group.held.as_ref());
        if said.is_none_or(|held| held.quiet != quiet || held.look_at() <= self.now()) {
            self.facts.push(Event::GroupHeld { group: touched.key, quiet });
        }
        true
    }

    /// Whether a page is due to be told again, and why.
    fn renewal(&self, touched: &Touched, page: &Page) -> Option<Renewal> {
        let group = self.group(touched)?;
        let past = |span: Seconds| span.after(group.flushed_at) <= self.now();
        if (group.changed || touched.changed) && past(group.interval) {
            return Some(Renewal::Changed);
        }
        let repeats = group.repeat > Seconds::ZERO && !page.is_acknowledged() && past(group.repeat);
        repeats.then_some(Renewal::Repeat)
    }

    fn open_page(&mut self, touched: &Touched) {
        let Some(found) = self.assess(touched) else { return };
        let id = PageId(self.next_page);
        self.next_page += 1;
        let policy = self.policy(touched, found.service.as_ref());
        let due = self.due_of(policy.as_ref(), 0, 0);
        self.facts.push(Event::PageOpened(Box::new(PageOpened {
            page: id,
            group: touched.key,
            policy: policy.clone(),
            severity: found.severity,
            declare: found.declare,
            why: found.why,
            service: found.service.clone(),
            title: found.title,
            alerts: found.alerts,
            count: found.count,
            update_every: found.update_every,
            due,
        })));
        self.pager(id, 1, found.service).begin(policy.as_ref());
    }

    fn policy(&self, touched: &Touched, service: Option<&ServiceName>) -> Option<PolicyName> {
        let opening = touched.opens.as_ref().and_then(|opens| opens.policy.as_ref());
        let routed = self.group(touched).map_or(opening, |group| group.policy.as_ref());
        self.context.book.pages_by(routed, service).cloned()
    }

    /// Tells a page again. Whoever acknowledged it is left alone, unless it got worse: then it begins anew.
    fn renew(&mut self, touched: &Touched, page: &Page, why: Renewal) {
        let Some(found) = self.assess(touched) else { return };
        let worse = found.severity < page.severity;
        let why = if worse { Renewal::Worse } else { why };
        let told = page.told();
        // People who took it hear no more of it; if nobody was ever told, the policy is run through again.
        let again = worse && page.is_acknowledged() || told.is_empty();
        let restart = again.then(|| Restart { due: self.due_of(page.policy.as_ref(), 0, 0) });
        let severity = found.severity;
        self.facts.push(Event::PageRenewed {
            page: page.id,
            why,
            severity,
            alerts: found.alerts,
            count: found.count,
            restart,
        });
        let taken = page.is_acknowledged();
        let mut pager = self.pager(page.id, page.next_request, page.service.clone());
        if again {
            return pager.begin(page.policy.as_ref());
        }
        pager.at(page.step, page.round);
        for (person, address) in told.into_iter().filter(|(person, _)| !taken || person.is_none()) {
            pager.request(person.cloned(), address.clone(), 0, Says::Renewed);
        }
    }

    /// Closes a page, and tells everybody who was told that it fires, once.
    fn close(&mut self, page: &Page) {
        self.facts.push(Event::PageClosed { page: page.id });
        let mut pager = self.pager(page.id, page.next_request, page.service.clone());
        pager.at(page.step, page.round);
        for (person, address) in page.told() {
            pager.request(person.cloned(), address.clone(), 0, Says::Closed);
        }
    }

    /// What becomes due for a page by itself: the next step of its escalation.
    pub(crate) fn escalate_due(&mut self, page: &Page) {
        if page.phase == Phase::Told && !self.escalation_held(page) {
            let mut pager = self.pager(page.id, page.next_request, page.service.clone());
            pager.at(page.step, page.round);
            pager.escalate(page.policy.as_ref(), crate::event::Escalation::NotAcknowledged);
        }
    }

    /// Whether a page must wait with its next step because its route keeps quiet; if so, that is said.
    fn escalation_held(&mut self, page: &Page) -> bool {
        let Some(group) = self.state.group_of(page.group) else { return false };
        let quiet = times::quiet(self.context.book, &group.times, self.now());
        let is_quiet = quiet.is_some();
        self.facts.extend(quiet.map(|quiet| Event::GroupHeld { group: page.group, quiet }));
        is_quiet
    }

    fn assess(&self, touched: &Touched) -> Option<Assessment> {
        let book = self.context.book;
        let (_, count) = self.counts(touched);
        let mut worst: Option<(Severity, bool, &Labels)> = None;
        for who in self.unmuted(touched).take(ASSESSED_MAX) {
            let Some(labels) = self.labels(who) else { continue };
            let rule = book.severity_of(labels);
            let (severity, declare) = rule.map_or((SEVERITY_DEFAULT, false), |rule| (rule.severity, rule.declare));
            // Of two that are equally bad the one that declares an incident decides.
            if worst.is_none_or(|(s, d, _)| (severity, !declare) < (s, !d)) {
                worst = Some((severity, declare, labels));
            }
        }
        let (severity, declare, labels) = worst?;
        let rule = book.severity_of(labels);
        Some(Assessment {
            severity,
            declare,
            why: rule.map_or_else(|| "no severity rule matches".to_owned(), |rule| rule.why.clone()),
            update_every: rule.map_or(Seconds::ZERO, |rule| rule.update_every),
            service: book.service_of(labels).map(|(name, _)| name.clone()),
            title: title(labels, count),
            alerts: self.unmuted(touched).take(PAGE_ALERTS_MAX).filter_map(|who| self.fingerprint(who)).collect(),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        })
    }
}

/// One line for people: what fires, on what, and how many.
fn title(labels: &Labels, count: usize) -> String {
    let mut title = match labels.get("alertname") {
        Some(name) => name.to_owned(),
        None => labels.to_string(),
    };
    if let Some(on) = ["service", "instance", "job"].iter().find_map(|name| labels.get(name)) {
        title.push_str(" on ");
        title.push_str(on);
    }
    if let Some((end, _)) = title.char_indices().nth(TITLE_CHARS_MAX) {
        title.truncate(end);
    }
    if count > 1 {
        title.push_str(&format!(" ({count} alerts)"));
    }
    title
}
