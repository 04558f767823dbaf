"""Emergency stops: what one person stopped, since when and why, until two let it go on."""
