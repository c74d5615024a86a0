"""The text of JAAS files with Apache's own login module, for names and passwords."""

_MODULE = "org.apache.zookeeper.server.auth.DigestLoginModule"


def section(name, options, module=_MODULE, flag="required"):
    """One section; `options` are texts by their keys."""
    lines = "\n".join(f'  "{_quoted(key)}"="{_quoted(value)}"' for key, value in options.items())
    return f"{name} {{\n  {module} {flag}\n{lines};\n}};\n"


def users(passwords):
    """The options of those who may log in."""
    return {f"user_{name}": password for name, password in passwords.items()}


def _quoted(text):
    return text.replace("\\", "\\\\").replace('"', '\\"')
