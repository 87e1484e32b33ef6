"""What every room says to people in English, so that a door can say it in another language."""
