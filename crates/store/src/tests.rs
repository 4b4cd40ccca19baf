//! What is hidden inside the crate: the statements, the migrations, the packing, the refused versions.

use std::fs;
use std::path::Path;

use kernel::port::StoreFailure;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, SqlSafeStr as _, SqliteConnection, query};
use testkit::postgres::Server;

use crate::pack::{pack, unpack};
use crate::{migrations, postgres, sqlite};

/// A statement that names a missing table or column, or that has a slip in it, fails here and not at night.
#[tokio::test]
async fn every_statement_is_prepared_on_sqlite() {
    let mut c = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrations::migrator(migrations::SQLITE).run(&mut c).await.unwrap();
    for (name, sql) in sqlite::sql::ALL {
        if let Err(error) = (&mut c).prepare(sql.into_sql_str()).await {
            panic!("{name}: {error}");
        }
    }
}

#[tokio::test]
async fn every_statement_is_prepared_on_postgres() {
    let Some(server) = Server::start() else { return };
    let mut c = PgConnection::connect(&server.url()).await.unwrap();
    migrations::migrator(migrations::POSTGRES).run(&mut c).await.unwrap();
    for (name, sql) in postgres::sql::ALL {
        if *name == "END_TRANSACTION" {
            c.execute(*sql).await.expect("two statements cannot be prepared as one");
            continue;
        }
        if let Err(error) = (&mut c).prepare(sql.into_sql_str()).await {
            panic!("{name}: {error}");
        }
    }
}

/// What makes an acknowledged append durable and an erased one gone cannot be seen by killing a process, so the settings
/// themselves are checked on the connection that writes.
#[tokio::test]
async fn sqlite_waits_for_the_disk_and_overwrites_what_it_deletes() {
    let home = testkit::temp_dir();
    let store = sqlite::SqliteStore::open(&home.path().join("journal.db")).await.unwrap();
    let pragma = async |sql: &'static str| {
        let row = store.writer.run("read", move |c| Box::pin(async move { Ok(query(sql).fetch_one(c).await?) }));
        row.await.unwrap()
    };
    assert_eq!(pragma("PRAGMA journal_mode").await.get::<String, _>(0), "wal");
    assert_eq!(pragma("PRAGMA synchronous").await.get::<i64, _>(0), 2, "FULL");
    assert_eq!(pragma("PRAGMA secure_delete").await.get::<i64, _>(0), 1);
    let refused = query("DELETE FROM vault").execute(&store.readers).await.unwrap_err().to_string();
    assert!(refused.contains("readonly"), "{refused}");
}

#[tokio::test]
async fn postgres_waits_for_the_disk_and_ends_what_was_left_open() {
    let Some(server) = Server::start() else { return };
    let mut admin = PgConnection::connect(&server.url()).await.unwrap();
    admin.execute("ALTER ROLE watchkeeper SET synchronous_commit = off").await.unwrap();
    let store = postgres::PostgresStore::open(&server.url()).await.unwrap();
    let show = "SHOW synchronous_commit";
    let row = store.writer.run("read", move |c| Box::pin(async move { Ok(query(show).fetch_one(c).await?) }));
    assert_eq!(row.await.unwrap().get::<String, _>(0), "on");

    let mut reader = store.readers.acquire().await.unwrap();
    reader.execute("BEGIN").await.unwrap();
    let pid: i32 = query("SELECT pg_backend_pid()").fetch_one(&mut *reader).await.unwrap().get(0);
    reader.return_to_pool().await;
    let state =
        query("SELECT state FROM pg_stat_activity WHERE pid = $1").bind(pid).fetch_one(&mut admin).await.unwrap();
    assert_eq!(state.get::<String, _>(0), "idle");
}

/// Both databases take the same steps, and every file of a step is one that the program knows.
#[test]
fn migrations_are_numbered_alike_and_complete() {
    let names = |steps: &[migrations::Step]| steps.iter().map(|(n, name, _)| format!("{n:04}_{name}.sql")).collect();
    let (sqlite, postgres): (Vec<String>, Vec<String>) = (names(migrations::SQLITE), names(migrations::POSTGRES));
    assert_eq!(sqlite, postgres);
    for directory in ["sqlite", "postgres"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(directory);
        let files = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = files.collect();
        files.sort();
        assert_eq!(files, sqlite, "{directory}");
    }
}

#[test]
fn old_versions_of_sqlite_are_refused() {
    for safe in ["3.51.3", "3.51.10", "3.52.0", "4.0.0"] {
        sqlite::check_version(safe).unwrap();
    }
    for old in ["3.51.2", "3.50.4", "3.7.0", "2.8.17", "", "none"] {
        let refused = sqlite::check_version(old).unwrap_err().to_string();
        assert!(refused.contains("at least 3.51.3"), "{refused}");
    }
}

#[test]
fn packing_compresses_what_is_long_and_checks_what_it_reads() {
    let (short, long) = (vec![7; 1024], vec![7; 1025]);
    assert_eq!(pack(&short).unwrap().bytes, short);
    assert!(pack(&long).unwrap().bytes.len() < 100);
    for plain in [Vec::new(), short, long] {
        let packed = pack(&plain).unwrap();
        assert_eq!(unpack(String::new, packed.clone()).unwrap(), plain);
        let mut damaged = vec![packed.clone(); 4];
        damaged[0].digest[0] ^= 1;
        damaged[1].bytes.push(0);
        damaged[2].size += 1;
        damaged[3].size = i64::MAX;
        for packed in damaged {
            let refused = unpack(|| "block 5".to_owned(), packed).unwrap_err();
            assert!(matches!(&refused, StoreFailure::Damaged { place, .. } if place == "block 5"), "{refused}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn what_is_packed_is_unpacked(word in proptest::collection::vec(proptest::num::u8::ANY, 0..64), times in 0_usize..64) {
        let plain = word.repeat(times);
        proptest::prop_assert_eq!(unpack(String::new, pack(&plain).unwrap()).unwrap(), plain);
    }

    #[test]
    fn stored_noise_is_an_error_and_never_a_panic(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64), size in 0_i64..100_000,
    ) {
        let packed = crate::pack::Packed { size, digest: vec![0; 32], bytes };
        proptest::prop_assert!(unpack(String::new, packed).is_err());
    }
}
