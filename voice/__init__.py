"""Sound: decoded, listened to for speech, cut into sentences, joined."""
