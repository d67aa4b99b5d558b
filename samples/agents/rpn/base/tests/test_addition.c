#include "tap.h"

int main(void)
{
    gives("1 2 +", 3);
    gives("1 2 + 3 +", 6);
    return failures != 0;
}
