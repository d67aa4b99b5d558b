/* The value of an expression such as "1 2 + 3 *"; 0 when it is understood, 1 when it is not. */
int rpn(const char *expression, double *value);
