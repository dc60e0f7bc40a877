"""Labels: how good each logged answer was, from graders, a judging model or people, and which to get next."""
