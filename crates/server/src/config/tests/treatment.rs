//! What becomes of settings that do not work here.

use super::*;

/// Lines of the file and options by which `row` is set to `value`.
fn ways(row: &Row, value: &str) -> Vec<(String, String)> {
    let fill = |name: &str| name.replace('*', "some");
    let mut ways = Vec::new();
    // The first letters of a server line go before everything else.
    if row.place != Place::Property && !source::is_member_key(row.name) {
        ways.push((format!("{}={value}", fill(row.name)), String::new()));
    }
    if let Some(property) = row.property() {
        ways.push((String::new(), format!("-D{}={value}", fill(&property))));
    }
    ways
}

fn load_way((line, option): &(String, String)) -> Result<Config, ConfigError> {
    let options: Vec<&str> = [option.as_str()]
        .into_iter()
        .filter(|option| !option.is_empty())
        .collect();
    load_with(&format!("{MINIMAL}{line}\n"), &options)
}

#[test]
fn a_feature_that_is_not_built_is_refused_unless_off() {
    for row in keys::rows() {
        let Treatment::NotYet(feature, off) = row.treatment else {
            continue;
        };
        for way in ways(row, "something") {
            let message = load_way(&way).expect_err(row.name).to_string();
            assert!(
                message.contains(feature.name) && message.contains(feature.advice),
                "{way:?}: {message}"
            );
            assert!(
                message.contains(&row.name.replace('*', "some")),
                "{way:?}: {message}"
            );
        }
        for way in off.iter().flat_map(|value| ways(row, value)) {
            let config = load_way(&way).unwrap_or_else(|error| panic!("{way:?}: {error}"));
            assert!(
                notices(&config, row.name).is_empty(),
                "{way:?}: {:?}",
                config.notices
            );
        }
    }
}

#[test]
fn a_key_without_effect_is_accepted_and_said_once() {
    for row in keys::rows() {
        let value = match row.treatment {
            Treatment::Harmless(_, form)
            | Treatment::Ensemble(form)
            | Treatment::EnsembleNotYet(_, _, form) => match form {
                Form::Any | Form::Int | Form::Long => "12",
                Form::Bool => "TRUE",
                Form::OneOf(known) => known[known.len() - 1],
            },
            Treatment::Dormant(_) => "12",
            Treatment::Used | Treatment::NotYet(..) => continue,
        };
        if source::is_member_key(row.name) {
            continue;
        }
        for way in ways(row, value) {
            let config = load_way(&way).unwrap_or_else(|error| panic!("{way:?}: {error}"));
            let name = row.name.replace('*', "some");
            assert_eq!(
                notices(&config, &name).len(),
                1,
                "{way:?}: {:?}",
                config.notices
            );
        }
    }
}

#[test]
fn an_unknown_key_is_one_warning_and_a_property() {
    let config = load_with(
        &format!("{MINIMAL}my.own.key = some value \n"),
        &["-Dzookeeper.my.own.key=x"],
    )
    .expect("accepted");
    assert_eq!(
        config.properties.get("zookeeper.my.own.key"),
        Some("some value")
    );
    let said: Vec<String> = notices(&config, "is not known")
        .into_iter()
        .map(short)
        .collect();
    assert_eq!(
        said,
        ["zoo.cfg line 3: my.own.key is not known and has no effect"]
    );
}

#[test]
fn a_key_that_does_nothing_in_the_file_gets_a_hint() {
    for (line, hint) in [
        (
            "jute.maxbuffer=4194304",
            "it can be set by -Djute.maxbuffer=... only",
        ),
        (
            "requestThrottleLimit=5",
            "the name that works is request_throttle_max_requests",
        ),
        (
            "zookeeper.snapCount=5",
            "in the file it is written without zookeeper. in front: snapCount",
        ),
        ("snapcount=5", "is snapCount meant? Capital letters count"),
    ] {
        let config = file(line);
        let said = notices(&config, "is not known and has no effect: ");
        assert!(
            said.len() == 1 && said[0].ends_with(hint),
            "{line}: {:?}",
            config.notices
        );
        assert_eq!(
            (config.jute_max_buffer, config.snap_count),
            (1_048_575, 100_000),
            "{line}"
        );
    }
}

#[test]
fn properties_of_nobody_are_said_once() {
    let options = [
        "-Dzookeeper.clientPort=1",
        "-Dcom.sun.management.jmxremote",
        "-Duser.timezone=UTC",
    ];
    let config = load_with(MINIMAL, &options).expect("accepted");
    assert_eq!(port(&config), 2181);
    assert_eq!(notices(&config, "-D").len(), 2, "{:?}", config.notices);
    assert_eq!(
        notices(&config, "-Dzookeeper.clientPort"),
        ["not known, and no effect: -Dzookeeper.clientPort"]
    );
}

#[test]
fn the_stores_between_servers_have_an_effect_where_the_admin_server_has_https() {
    let store = "ssl.quorum.keyStore.location=/k";
    assert_eq!(notices(&file(store), "standalone").len(), 1);
    let used = file(&format!("{store}\nadmin.forceHttps=true"));
    assert!(
        notices(&used, "standalone").is_empty(),
        "{:?}",
        used.notices
    );
}
