# Sourced: finds the interpreters to build environments from.

# probe COMMAND : prints the interpreter's own path and version, "PATH X.Y.Z", if it is one and runs. A pyenv shim
# on PATH may name a version that is not there, or another one, so nothing is believed that has not run.
probe() {
    "$1" -c 'import os, sys
print(os.path.realpath(getattr(sys, "_base_executable", sys.executable)), "%d.%d.%d" % sys.version_info[:3])' 2>/dev/null
}

# newest_python : prints "PATH X.Y.Z" of the newest Python from 3.14 to 3.12 on PATH or under pyenv; else of
# python3, if it is 3.11 or later; else nothing, with status 1. (PYTHON, where set, is taken as it is.)
newest_python() {
    local minor candidate found
    if [ -n "${PYTHON:-}" ]; then
        probe "$PYTHON"
        return
    fi
    for minor in 14 13 12; do
        for candidate in "python3.$minor" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python3; do
            if found=$(probe "$candidate") && [[ "${found##* }" == 3."$minor".* ]]; then
                echo "$found"
                return 0
            fi
        done
    done
    system_python 11
}

# system_python OLDEST_MINOR : prints "PATH X.Y.Z" of the machine's python3, if it is 3.OLDEST_MINOR or later.
system_python() {
    local found version
    found=$(probe python3) || return 1
    version=${found##* }
    version=${version#3.}
    [ "${version%%.*}" -ge "$1" ] && echo "$found"
}
