"""What is done to prompts before they are sent."""
