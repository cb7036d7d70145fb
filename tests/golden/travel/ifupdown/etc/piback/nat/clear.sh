# Takes out of the kernel every rule that leads to a chain of piback's, however often and by whomever it was put in.
# Made by `piback apply`, run by piback-nat.service. Each line that the kernel prints with -A is given back with -D
# (iptables-save(8)); the table stands in a line of its own above it.
for tool in '/usr/bin/env iptables' '/usr/bin/env ip6tables'; do
    $tool-save 2>/dev/null | sed -n '
        /^\*/ { s/^\*/-t /; h; }
        /^-A PIBACK-/ d
        / -[jg] PIBACK-/ { s/^-A/-D/; G; s/\n/ /; p; }
    ' | xargs -r -L1 $tool -w
done
