//! A server on a real socket.

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::*;
use crate::control::Client;
use crate::daemon::Roster;
use crate::daemon::testing::{FakeFactory, settings, surroundings};

struct World {
    path: PathBuf,
    cancel: CancellationToken,
    _directory: tempfile::TempDir,
    _roster: watch::Sender<Arc<Roster>>,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run/control.sock");
        let (surroundings, clock) = surroundings("2026-03-01T10:00:00Z");
        let factory = Arc::new(FakeFactory::default());
        let cancel = CancellationToken::new();
        let roster =
            Roster::open(settings(&["sales"]), factory.as_ref(), &surroundings, &cancel, None).unwrap();
        let (sender, roster) = watch::channel(Arc::new(roster));
        let operations = Operations {
            roster,
            factory,
            surroundings,
            cycles: TaskTracker::new(),
            reloads: None,
            started: clock.time(),
        };
        let server = Server::bind(&path).unwrap();
        let stop = cancel.clone();
        tokio::spawn(async move { server.serve(Arc::new(operations), stop, || {}).await.unwrap() });
        Self { path, cancel, _directory: directory, _roster: sender }
    }

    /// Sends bytes and reads until the server closes, or has sent `lines` lines.
    async fn exchange(&self, bytes: &[u8], lines: usize) -> Vec<Value> {
        let stream = UnixStream::connect(&self.path).await.unwrap();
        let (reading, mut writing) = stream.into_split();
        // The server may hang up before everything is sent.
        writing.write_all(bytes).await.ok();
        let mut answers = BufReader::new(reading).lines();
        let mut read = Vec::new();
        while read.len() < lines {
            match answers.next_line().await {
                Ok(Some(line)) => read.push(serde_json::from_str(&line).unwrap()),
                Ok(None) | Err(_) => break,
            }
        }
        read
    }
}

#[tokio::test]
async fn a_request_is_answered_with_items_and_one_end() {
    let world = World::new();
    let answer = world.exchange(b"{\"v\":1,\"command\":\"sync\"}\n", 2).await;
    assert_eq!(answer[0]["item"]["account"], "sales");
    assert_eq!(answer[1], serde_json::json!({"done": true, "exit": 0}));
}

#[tokio::test]
async fn several_requests_may_follow_each_other() {
    let world = World::new();
    let line = b"{\"v\":1,\"command\":\"accounts\"}\n".repeat(2);
    let answer = world.exchange(&line, 4).await;
    assert_eq!(answer.iter().filter(|line| line["done"] == true).count(), 2);
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_connection_ends() {
    let world = World::new();
    let answer = world.exchange(b"hello\n{\"v\":1,\"command\":\"accounts\"}\n", 9).await;
    assert_eq!(answer.len(), 1);
    assert_eq!(answer[0]["error"]["exit"], 64);
}

#[tokio::test]
async fn a_line_without_end_is_cut_off_at_the_cap() {
    let world = World::new();
    let answer = world.exchange(&vec![b'x'; 3 * MAX_LINE], 9).await;
    if let Some(line) = answer.first() {
        assert!(line["error"]["message"].as_str().unwrap().contains("65536"));
    }
    assert!(answer.len() <= 1);
    assert_eq!(world.exchange(b"{\"v\":1,\"command\":\"accounts\"}\n", 2).await.len(), 2);
}

#[tokio::test]
async fn the_socket_is_open_to_all_and_gone_after_the_end() {
    let world = World::new();
    assert_eq!(fs::metadata(&world.path).unwrap().permissions().mode() & 0o777, 0o666);
    let directory = world.path.parent().unwrap();
    assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o022, 0);
    world.cancel.cancel();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if !world.path.exists() {
            return;
        }
    }
    panic!("the socket is still there");
}

#[tokio::test]
async fn a_second_daemon_is_refused_and_a_dead_one_is_replaced() {
    let world = World::new();
    let failure = Server::bind(&world.path).err().unwrap();
    assert_eq!(failure.exit, Exit::TryAgain);

    let dead = world.path.with_file_name("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    assert!(dead.exists());
    assert!(Server::bind(&dead).is_ok());

    let file = world.path.with_file_name("file");
    fs::write(&file, "precious").unwrap();
    assert_eq!(Server::bind(&file).err().unwrap().exit, Exit::CannotCreate);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
}

#[tokio::test]
async fn the_client_reads_what_the_server_says() {
    let world = World::new();
    let mut client = Client::connect(&world.path).await.unwrap().unwrap();
    let mut items = Vec::new();
    let exit = client.call(&Request::Accounts {}, &mut |reply| items.push(reply)).await.unwrap();
    assert_eq!((exit, items.len()), (Exit::Ok, 1));
    let missing = Request::Plan { account: "other".parse().unwrap() };
    assert_eq!(client.call(&missing, &mut |_| {}).await.unwrap_err().exit, Exit::Usage);
    assert!(Client::connect(&world.path.with_file_name("nobody")).await.unwrap().is_none());
}
