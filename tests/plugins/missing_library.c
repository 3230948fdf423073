/* What a plug-in for tests needs and does not find. */
int gristmill_nobody_defines_this(void);
int gristmill_nobody_defines_this(void) { return 0; }
