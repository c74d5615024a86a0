use super::*;

#[tokio::test(start_paused = true)]
async fn a_leader_that_does_not_listen_is_tried_five_times() {
    let nobody = Port::reserve();
    let began = Instant::now();
    let mut learner = Learner::connect(&[&nobody], PAUSE);
    let reason = learner.events.down().await;
    assert!(
        matches!(&reason, DownReason::NoConnection(error) if error.refused),
        "{reason}"
    );
    assert_eq!(
        began.elapsed().as_millis() / 100,
        4,
        "four pauses between five attempts"
    );
    assert!(
        reason.to_string().contains(&nobody.address().to_string()),
        "{reason}"
    );
}

#[tokio::test(start_paused = true)]
async fn all_attempts_together_have_their_time() {
    let nobody = Port::reserve();
    let began = Instant::now();
    let mut learner = Learner::connect(&[&nobody], PATIENCE / 3);
    let reason = learner.events.down().await;
    assert!(
        matches!(&reason, DownReason::NoConnection(error) if !error.refused),
        "{reason}"
    );
    assert_eq!(began.elapsed().as_secs(), PATIENCE.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_comes_late_is_found() {
    let port = Port::reserve();
    let mut learner = Learner::connect(&[&port], PAUSE);
    tokio::time::sleep(PAUSE * 2).await;
    let _leader = Leader::open_on(port).await;
    learner.events.up().await;
}

#[tokio::test]
async fn of_several_addresses_one_is_enough() {
    let (nobody, mut leader) = (Port::reserve(), Leader::open().await);
    let mut learner = Learner::connect(&[&nobody, &leader.port], PAUSE);
    let link = learner.events.up().await;
    assert_eq!(link.id(), learner.connector.id());
    leader.events.up().await;
    link.send(ack(1));
    assert_eq!(leader.events.packets().await, [ack(1)]);
}

#[tokio::test]
async fn an_attempt_that_is_closed_tells_nothing_more() {
    let nobody = Port::reserve();
    let mut learner = Learner::connect(&[&nobody], Duration::from_secs(3600));
    learner.connector.close().await;
    learner.events.ended().await;
}
