//! What a statement about some rows reads (design 9, "Proportion"): through indexes, and never a whole table.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::database::TestDatabase;

/// The statements of the sources, as the macros know them.
fn statements() -> impl Iterator<Item = (String, usize)> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx")).unwrap();
    folder.map(|file| {
        let known: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        let parameters = known["describe"]["parameters"]["Left"].as_array().unwrap().len();
        (known["query"].as_str().unwrap().to_owned(), parameters)
    })
}

/// About rows that are named to it by arrays, as the statements of a batch are. Where no array means all, the plan follows the values.
fn is_of_a_batch(statement: &str) -> bool {
    (statement.contains("ANY ($") || statement.contains("UNNEST($")) && !statement.contains("IS NULL OR")
}

#[tokio::test]
async fn what_a_batch_reads_and_writes_is_found_through_indexes() {
    let database = TestDatabase::new().await;
    let mut connection = PgConnection::connect_with(&database.options()).await.unwrap();
    // On empty tables the planner would read them whole: it does now only where there is no other way.
    for setting in ["enable_seqscan = off", "plan_cache_mode = force_generic_plan"] {
        sqlx::raw_sql(AssertSqlSafe(format!("SET {setting}"))).execute(&mut connection).await.unwrap();
    }
    let mut explained = 0;
    for (statement, parameters) in statements().filter(|(statement, _)| is_of_a_batch(statement)) {
        let prepare = format!("PREPARE tried AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let explain = format!("EXPLAIN EXECUTE tried ({})", vec!["NULL"; parameters].join(", "));
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .persistent(false)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        sqlx::raw_sql("DEALLOCATE tried").execute(&mut connection).await.unwrap();
        assert!(!plan.iter().any(|line| line.contains("Seq Scan")), "{statement}\n{plan:#?}");
        explained += 1;
    }
    assert!(explained > 30, "the statements were found: {explained}");
}
