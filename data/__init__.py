"""The bundled sample: two small local models over thousands of auto-graded prompts, and the scripts that remake it."""
