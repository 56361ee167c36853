# Completion of @program@ for fish, generated from the program's argument types.

# Sets `commands`, `options` and `arguments` to those of the command that `path` names. After a blank, a command and an
# option have their description. An option's name is followed by = and what it takes, if it takes something. An argument
# is what it takes: FILE, FOLDER, TEXT, or all words that are possible. An unknown command has none of them, and
# nothing is offered after it.
function @function@_table --no-scope-shadowing
    set commands
    set options
    set arguments
    switch "$path"
@table@    end
end

# Sets `takes` to what the last option in `word` takes, and `before` to what stands before its value in this word.
# `before` is empty if the value is the next word.
function @function@_option --no-scope-shadowing
    set takes ''
    set before ''
    if string match -q -- '--*' "$word"
        set -l parts (string split -m 1 = -- "$word")
        set -q parts[2]; and set before "$parts[1]="
        for option in $options
            set -l fields (string match -r -- '^(--[^= ]+)=(\S+) ' "$option"); or continue
            test "$fields[2]" = "$parts[1]"; and set takes $fields[3]
        end
        return
    end
    set -l characters (string split '' -- "$word")
    for at in (seq 2 (count $characters))
        for option in $options
            set -l fields (string match -r -- '^(-[^-])=(\S+) ' "$option"); or continue
            test "$fields[2]" = "-$characters[$at]"; and set takes $fields[3]
        end
        if test -n "$takes"
            test $at -lt (count $characters); and set before (string join '' -- $characters[1..$at])
            return
        end
    end
end

# Offers values of the kind $argv[1]. The present word is $argv[3], and the value in it follows $argv[2].
function @function@_values
    set -l value (string sub -s (math (string length -- "$argv[2]") + 1) -- "$argv[3]")
    set -l values
    switch "$argv[1]"
        case TEXT
        case FILE
            # fish completes the arguments of an unknown command as files.
            set values (complete -C "'' $value")
        case FOLDER
            set values (complete -C "'' $value" | string match -r '^[^\t]*/(?=\t|$)')
        case '*'
            set values (string split '|' -- $argv[1])
    end
    for value in $values
        printf '%s%s\n' "$argv[2]" $value
    end
end

function @function@_complete
    set -l commands
    set -l options
    set -l arguments
    set -l path ''
    set -l takes ''
    set -l before ''
    set -l ended ''
    set -l count 1
    set -l word
    set -l words (commandline -opc)
    @function@_table
    for word in $words[2..]
        if test -n "$takes"
            set takes ''
        else if test -z "$ended"; and test "$word" = --
            set ended yes
        else if test -z "$ended"; and string match -qr -- '^-.' "$word"
            @function@_option
            test -n "$before"; and set takes ''
        else if set -q commands[1]
            set path "$path $word"
            @function@_table
        else
            set count (math $count + 1)
        end
    end

    set word (commandline -ct)
    if test -n "$takes"
        @function@_values $takes '' "$word"
        return
    end
    if test -z "$ended"; and string match -qr -- '^-' "$word"
        @function@_option
        if test -n "$before"
            @function@_values "$takes" "$before" "$word"
        else
            string replace -r '^([^= ]+)(=\S+)? ' '$1\t' -- $options
        end
    else if set -q commands[1]
        string replace ' ' \t -- $commands
    else if set -q arguments[$count]
        @function@_values (string replace -- ... '' $arguments[$count]) '' "$word"
    else if string match -q -- '*...' "$arguments[-1]"
        @function@_values (string replace -- ... '' $arguments[-1]) '' "$word"
    end
end

complete -c @program@ -f -a '(@function@_complete)'
