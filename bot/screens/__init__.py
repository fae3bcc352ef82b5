"""What people see of the bot in Telegram: messages and the buttons under them, in both languages. Pure."""
