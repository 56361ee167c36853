# Completion of @program@ for bash, generated from the program's argument types.

# Sets `commands`, `options` and `arguments` to those of the command that `path` names. An option with a value, and an
# argument, have what they take: FILE, FOLDER, TEXT, or all words that are possible. An unknown
# command has none of them, and nothing is offered after it.
@function@_table() {
    commands=() options=() arguments=()
    case $path in
@table@    esac
}

# Sets `takes` to what the last option in the word $1 takes, and `before` to what stands before its value in this word.
# `before` is empty if the value is the next word.
@function@_option() {
    local name=${1%%=*} at option
    takes='' before=''
    if [[ $1 == --* ]]; then
        [[ $1 == *=* ]] && before=$name=
        for option in "${options[@]}"; do
            [[ $option == "$name="* ]] && takes=${option#*=}
        done
        return
    fi
    for ((at = 1; at < ${#1}; at++)); do
        for option in "${options[@]}"; do
            [[ $option == "-${1:at:1}="* ]] && takes=${option#*=}
        done
        if [[ $takes ]]; then
            ((at + 1 < ${#1})) && before=${1:0:at+1}
            return
        fi
    done
}

# Offers those of the words that begin like the present word. Readline replaces only what follows `cut`.
@function@_offer() {
    local word
    for word; do
        [[ $word == "$current"* ]] && COMPREPLY+=("${word#"$cut"}")
    done
}

# Offers values of the kind $1, after $2 in the same word.
@function@_values() {
    local -a values=()
    case $1 in
    TEXT) ;;
    FILE | FOLDER)
        if [[ $2 == "$cut" ]]; then
            # Readline itself knows how to quote the names of files.
            if [[ $1 == FILE ]]; then compopt -o default; else compopt -o dirnames; fi
        else
            local action=-f value
            [[ $1 == FOLDER ]] && action=-d
            while IFS= read -r value; do
                printf -v value '%s%q' "$2" "$value"
                values+=("$value")
            done < <(compgen "$action" -- "${current#"$2"}")
            # The value may be a folder, whose files follow.
            compopt -o nospace
            @function@_offer "${values[@]}"
        fi
        ;;
    *)
        IFS='|' read -ra values <<< "$1"
        @function@_offer "${values[@]/#/$2}"
        ;;
    esac
}

@function@() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} at word
    local -a words=()
    COMPREPLY=()

    # Bash takes a word apart at = and : (COMP_WORDBREAKS). What no blank separates belongs together.
    for ((at = 0; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if ((at == 0)) || [[ $line == [[:blank:]]* ]]; then
            line=${line#"${line%%[![:blank:]]*}"}
            words+=('')
        fi
        # What follows the cursor does not count.
        ((at == COMP_CWORD)) && word=$line
        local cut=${words[-1]}
        words[-1]+=$word
        line=${line#"$word"}
    done
    local current=${words[-1]}
    [[ $word =~ ^[=:]+$ ]] && cut=$current
    unset 'words[-1]'

    local -a commands options arguments
    local path='' takes='' before='' ended='' count=0 operator='^([0-9]*|&)(<|>|>>|>\||<>|<<<|>&|&>)$'
    @function@_table
    for word in "${words[@]:1}"; do
        if [[ $takes ]]; then
            takes=''
        elif [[ $word =~ $operator ]]; then
            takes=FILE
        elif [[ $word =~ ^([0-9]*|&)[\<\>] ]]; then
            continue
        elif [[ ! $ended && $word == -- ]]; then
            ended=yes
        elif [[ ! $ended && $word == -?* ]]; then
            @function@_option "$word"
            [[ $before ]] && takes=''
        elif ((${#commands[@]})); then
            path+=" $word"
            @function@_table
        else
            ((count += 1))
        fi
    done

    if [[ $takes ]]; then
        @function@_values "$takes" ''
        return
    elif [[ ! $ended && $current == -?* ]]; then
        @function@_option "$current"
        if [[ $before ]]; then
            @function@_values "${takes:-TEXT}" "$before"
            return
        fi
    fi
    if [[ ! $ended && $current == -* ]]; then
        @function@_offer "${options[@]%%=*}"
    elif ((${#commands[@]})); then
        @function@_offer "${commands[@]}"
    elif ((count < ${#arguments[@]})); then
        @function@_values "${arguments[count]%...}" ''
    elif [[ ${#arguments[@]} -gt 0 && ${arguments[-1]} == *... ]]; then
        @function@_values "${arguments[-1]%...}" ''
    fi
}

complete -F @function@ @program@
