//! Windows that are extended to their edges: `anchored` takes the sample before the window along, `smoothed`
//! interpolates at both edges.

use super::window::View;
use super::window::{Sample, interpolated};
use crate::Millis;
use crate::ast::WindowMode;

/// The functions that may stand around an anchored window.
pub(super) const ANCHORED: [&str; 5] = ["changes", "delta", "increase", "rate", "resets"];
/// The functions that may stand around a smoothed window.
pub(super) const SMOOTHED: [&str; 3] = ["delta", "increase", "rate"];

/// A window with its two edges.
struct Extent<'a> {
    left: f64,
    right: f64,
    /// The samples between the edges, none of them on one.
    inside: &'a [Sample<f64>],
}

/// The samples that count: from the last one before the window on, up to its end or the first one after that. None when
/// there is none in the window.
fn reaching(samples: &[Sample<f64>], from: Millis, to: Millis, mode: WindowMode) -> &[Sample<f64>] {
    let first = samples.partition_point(|sample| sample.at <= from).saturating_sub(1);
    let end = match mode {
        WindowMode::Smoothed => samples.partition_point(|sample| sample.at < to).saturating_add(1),
        WindowMode::Plain | WindowMode::Anchored => samples.len(),
    };
    let reaching = samples.get(first..end.min(samples.len())).unwrap_or_default();
    if reaching.last().is_some_and(|last| last.at > from) { reaching } else { &[] }
}

fn extent(samples: &[Sample<f64>], from: Millis, to: Millis, mode: WindowMode, counter: bool) -> Option<Extent<'_>> {
    let reaching = reaching(samples, from, to, mode);
    let (first, last) = (reaching.first()?, reaching.last()?);
    let smooth = mode == WindowMode::Smoothed;
    let left = match reaching.get(1) {
        Some(second) if smooth && first.at < from => interpolated(first, second, from, counter),
        _ => first.value,
    };
    let right = match reaching.len().checked_sub(2).and_then(|at| reaching.get(at)) {
        Some(before) if smooth && last.at > to => interpolated(before, last, to, counter),
        _ => last.value,
    };
    let low = usize::from(first.at <= from);
    let high = reaching.len() - usize::from(last.at >= to);
    Some(Extent { left, right, inside: reaching.get(low..high).unwrap_or_default() })
}

/// By how much a series changed from one edge of its window to the other; what a counter lost at resets is added.
pub(super) fn change(view: &View<'_>, counter: bool) -> Option<f64> {
    let extent = extent(view.floats, view.from, view.to, view.mode, counter)?;
    let mut change = extent.right - extent.left;
    if counter {
        let mut before = extent.left;
        for value in extent.inside.iter().map(|sample| sample.value).chain([extent.right]) {
            if value < before {
                change += before;
            }
            before = value;
        }
    }
    Some(change)
}

/// The samples of an anchored window with the one before it; none when there is none in the window.
pub(super) fn anchored<'a>(view: &View<'a>) -> &'a [Sample<f64>] {
    reaching(view.floats, view.from, view.to, WindowMode::Anchored)
}

/// The samples of a window with one at each of its edges.
pub(super) fn extended(samples: &[Sample<f64>], from: Millis, to: Millis, mode: WindowMode) -> Vec<Sample<f64>> {
    let Some(extent) = extent(samples, from, to, mode, false) else { return Vec::new() };
    let edge = |at, value| Sample { at, born: 0, value };
    let mut all = vec![edge(from, extent.left)];
    all.extend_from_slice(extent.inside);
    all.push(edge(to, extent.right));
    all
}
