#!/bin/sh
# Makes compat-tests/.work/apache-suite: Apache's test classes with what they need from Maven Central in lib, our own classes,
# which take the place of some of them, in classes, and data directories that they start servers on in data. ../setup.sh goes first.
# A part is made again only when its inputs change, so a second run takes no time.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
work=$here/../.work/apache-suite
mkdir -p "$work"
# shellcheck source=../setup-functions.sh
. "$here/../setup-functions.sh"

libraries() {
    unchanged lib "$here/pom.xml" && return 0
    say "fetching Apache's test classes"
    rm -rf "$work/lib"
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$work/lib" -DincludeScope=runtime >&2
    stamp lib "$here/pom.xml"
}

sources() { find "$here/java" -name '*.java' 2>/dev/null | sort; }

# Our classes come first on the class path, where they are compiled too: Apache's tests see them in place of their own.
classes() {
    # shellcheck disable=SC2046  # no path of the repository's own has a space
    unchanged classes "$here/pom.xml" $(sources) && return 0
    say "compiling the classes that stand in for Apache's"
    rm -rf "$work/classes"
    mkdir -p "$work/classes"
    # shellcheck disable=SC2046
    [ -z "$(sources)" ] || javac -Xlint:-options --release 11 -proc:none -d "$work/classes" -cp "$work/classes:$work/lib/*" \
        $(sources) >&2
    # shellcheck disable=SC2046
    stamp classes "$here/pom.xml" $(sources)
}

# Data directories that tests start a server on; Apache 3.9.5 writes them.
data() {
    unchanged data "$here/suite/data.py" && return 0
    say "writing data directories"
    python3 "$here/suite/data.py" >&2
    stamp data "$here/suite/data.py"
}

libraries
classes
data
