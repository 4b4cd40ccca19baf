//! `watchkeeper demo` plays one whole outage on a copy of the example watchbook and ends well.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use crate::server::binary;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/watchbook");
/// The ports that the example names, of what the demo starts.
const PORTS: [&str; 4] = ["8471", "8472", "8473", "8475"];
/// How soon the first page comes.
const FIRST_PAGE_WITHIN: Duration = Duration::from_secs(60);
/// How long the whole outage may take.
const END_WITHIN: Duration = Duration::from_secs(180);

/// Copies a directory, with ports of our own in place of the usual ones.
fn copy(from: &Path, to: &Path, ports: &[String]) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target, ports);
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = PORTS.iter().zip(ports).fold(text, |text, (usual, own)| text.replace(usual, own));
            std::fs::write(target, text).unwrap();
        }
    }
}

#[tokio::test]
async fn the_demo_plays_the_whole_outage_and_its_first_page_comes_within_a_minute() {
    let place = testkit::temp_dir();
    let (book, data) = (place.path().join("watchbook"), place.path().join("data"));
    copy(Path::new(EXAMPLE), &book, &PORTS.map(|_| testkit::free_port().to_string()));
    let mut command = binary();
    command.args(["demo", "--exit", "--listen", "127.0.0.1:0", "--watchbook"]).arg(book).arg("--data").arg(data);
    let begun = Instant::now();
    let mut demo = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let (mut said, mut paged) = (String::new(), None);
    let reading = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("BEEP") {
                paged.get_or_insert(begun.elapsed());
            }
            said.push_str(&line);
            said.push('\n');
        }
    };
    let ended = timeout(END_WITHIN, reading).await;
    assert!(ended.is_ok(), "it did not end: {said}");
    let output = demo.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(paged.is_some_and(|after| after < FIRST_PAGE_WITHIN), "{paged:?}: {said}");
    for step in ["IncidentDeclared", "RoleAssigned", "UpdatePublished", "IncidentResolved", "ReviewOpened"] {
        assert!(said.contains(step), "{step} is not in {said}");
    }
    assert!(said.contains("whole and in order"), "{said}");
}
