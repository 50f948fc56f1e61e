"""Other people's libraries, one module each: loaded only when something of theirs is named, never from below."""
