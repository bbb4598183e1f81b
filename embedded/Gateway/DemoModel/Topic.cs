using System.Text.RegularExpressions;

namespace LlmAspire.DemoGateway.DemoModel;

/// <summary>What kind of answer a question wants.</summary>
internal enum Intent
{
    Explain,
    Greeting,
    Thanks,
    AboutModel,
    Title,
    SystemPrompt,
    Code,
    Compare,
    Steps,
    Formula,
}

/// <summary>Forms of presentation that a question may ask for by name.</summary>
[Flags]
internal enum Wishes
{
    None = 0,
    Table = 1,
    Code = 2,
    Formula = 4,
    Steps = 8,
}

/// <summary>What a question is about, by its words alone.</summary>
/// <param name="Subject">A phrase to go on with, such as "row locking in PostgreSQL".</param>
/// <param name="Keywords">The words that carry meaning, in their order; at least one.</param>
/// <param name="Language">The programming language that was asked for, as a code fence names it.</param>
/// <param name="Technical">Code and formulas suit the subject, also when nobody asked for them.</param>
/// <param name="Brief">A short answer was asked for.</param>
/// <param name="Alternatives">The two things to compare; null when the question names none.</param>
internal sealed partial record Topic(
    Intent Intent,
    Wishes Wishes,
    string Subject,
    IReadOnlyList<string> Keywords,
    string Language,
    bool Technical,
    bool Brief,
    (string First, string Second)? Alternatives)
{
    private const int MaxSubjectWords = 8;
    private const int MaxKeywords = 6;
    private const int MaxScanned = 4_000;

    public static IReadOnlySet<string> StopWords { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        "a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been", "between", "but", "by", "can", "compare", "could", "did", "difference", "do", "does",
        "each", "example", "explain", "for", "from", "give", "good", "had", "has", "have", "hello", "hey", "hi", "how", "i", "if", "in", "into", "is", "it", "its", "just", "like",
        "make", "may", "me", "more", "most", "much", "my", "need", "no", "not", "of", "on", "one", "only", "or", "our", "out", "please", "short", "should",
        "show", "so", "some", "such", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to", "two", "up", "us", "use",
        "using", "want", "was", "we", "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "write", "you", "your",
    };

    public static Topic Of(string question, string system = "")
    {
        // The beginning says what a text is about; a megabyte of it need not be searched.
        var text = question.Length > MaxScanned ? question[..MaxScanned] : question;
        var alternatives = FindAlternatives(text);
        var subject = alternatives is { } pair ? $"{pair.First} and {pair.Second}" : FindSubject(text);
        string[] keywords = [.. Word().Matches(text).Select(match => match.Value.Trim('\'', '-', '.'))
            .Where(word => word.Length > 1 && !StopWords.Contains(word))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Take(MaxKeywords)];
        return new Topic(
            FindIntent(text, system, alternatives is not null),
            FindWishes(text),
            subject,
            keywords.Length > 0 ? keywords : ["idea"],
            FindLanguage(text),
            TechnicalWords().IsMatch(text),
            BriefWords().IsMatch(text),
            alternatives);
    }

    private static Intent FindIntent(string text, string system, bool hasAlternatives) => text switch
    {
        _ when SystemPromptWords().IsMatch(text) || SystemPromptTask().IsMatch(system) => Intent.SystemPrompt,
        _ when TitleWords().IsMatch(text) || TitleWords().IsMatch(system) => Intent.Title,
        _ when GreetingWords().IsMatch(text) => Intent.Greeting,
        _ when ThanksWords().IsMatch(text) => Intent.Thanks,
        _ when AboutModelWords().IsMatch(text) => Intent.AboutModel,
        _ when hasAlternatives || CompareWords().IsMatch(text) => Intent.Compare,
        _ when CodeWords().IsMatch(text) => Intent.Code,
        _ when FormulaWords().IsMatch(text) => Intent.Formula,
        _ when StepsWords().IsMatch(text) => Intent.Steps,
        _ => Intent.Explain,
    };

    private static Wishes FindWishes(string text) =>
        (TableWords().IsMatch(text) ? Wishes.Table : Wishes.None)
        | (CodeWords().IsMatch(text) ? Wishes.Code : Wishes.None)
        | (FormulaWords().IsMatch(text) ? Wishes.Formula : Wishes.None)
        | (StepsWords().IsMatch(text) ? Wishes.Steps : Wishes.None);

    private static string FindSubject(string text)
    {
        var clause = ClauseEnd().Split(text.Trim(), 2)[0];
        var rest = LeadIn().Replace(clause, "");
        var words = rest.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(MaxSubjectWords);
        var subject = string.Join(' ', words).Trim(' ', ',', ';', ':', '.', '"', '`', '*', '#', '|', '<', '>', '[', ']');
        return subject.Length == 0 ? "your question" : HowTo().IsMatch(clause) ? $"how to {subject}" : subject;
    }

    private static (string First, string Second)? FindAlternatives(string text) => Versus().Match(text) is { Success: true } match
        ? (match.Groups["a"].Value.Trim(), match.Groups["b"].Value.Trim())
        : null;

    private static string FindLanguage(string text) => LanguageName().Match(text).Value.ToLowerInvariant() switch
    {
        "python" => "python",
        "javascript" or "typescript" => "typescript",
        "sql" or "postgres" or "postgresql" => "sql",
        "bash" or "shell" => "bash",
        _ => "csharp",
    };

    [GeneratedRegex(@"[\p{L}\p{N}][\p{L}\p{N}'.#+-]*")]
    private static partial Regex Word();

    [GeneratedRegex(@"[?!\n]|\.(?=\s|$)|\s(?:that|which|who|because)\s", RegexOptions.IgnoreCase)]
    private static partial Regex ClauseEnd();

    [GeneratedRegex(
        @"^\s*(?:(?:please|hi|hello|hey|ok|okay|so|and|now|also|then|but)[\s,]+)*(?:(?:can|could|would|will) you\s+)?(?:please\s+)?"
            + @"(?:(?:what(?:'s| is| are| does| do)?|who (?:is|are|was)|how (?:do|does|can|should|would|to)(?: (?:i|we|you|one))?|why (?:is|are|do|does)|"
            + @"explain(?: to me)?|describe|define|summari[sz]e|tell me(?: more)?(?: about)?|write(?: me)?|show(?: me)?|give(?: me)?|create|implement|build|list|compare|"
            + @"calculate|compute|solve|help me(?: to)?|i (?:want|need|would like)(?: to)?)\b)?\s*(?:(?:a|an|the|my|some|about|how|what|of)\s+)*",
        RegexOptions.IgnoreCase)]
    private static partial Regex LeadIn();

    [GeneratedRegex(
        @"(?:difference between|compare)\s+(?<a>[\p{L}\p{N}#+.\- ]{1,40}?)\s+(?:and|with|to)\s+(?<b>[\p{L}\p{N}#+.\-]{1,40})|(?<a>[\p{L}\p{N}#+.\-]{1,40})\s+(?:vs\.?|versus)\s+(?<b>[\p{L}\p{N}#+.\-]{1,40})",
        RegexOptions.IgnoreCase)]
    private static partial Regex Versus();

    [GeneratedRegex(@"\bsystem prompt\b", RegexOptions.IgnoreCase)]
    private static partial Regex SystemPromptWords();

    // A system prompt may speak of itself: only who is told to write one, does.
    [GeneratedRegex(@"\byou write (?:a )?system prompts?\b", RegexOptions.IgnoreCase)]
    private static partial Regex SystemPromptTask();

    [GeneratedRegex(@"\b(?:generate|suggest|write|give|create|find)\b[^.\n]{0,40}\btitle\b|\btitle for (?:this|the) (?:chat|conversation)\b|^name the conversation\b", RegexOptions.IgnoreCase)]
    private static partial Regex TitleWords();

    [GeneratedRegex(@"^\s*(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening)|hallo|bonjour|hola)\b[\s,!.]*(?:there|all|everyone|you)?[\s,!.]*(?:how are you(?: doing)?(?: today)?|how's it going|what's up)?[\s?!.]*$", RegexOptions.IgnoreCase)]
    private static partial Regex GreetingWords();

    [GeneratedRegex(@"^\s*(?:thanks|thank you|thx|cheers|great|perfect|cool)\b[^?]{0,40}$", RegexOptions.IgnoreCase)]
    private static partial Regex ThanksWords();

    [GeneratedRegex(@"\b(?:who|what) are you\b|\bwhat can you do\b|\bwhich model\b|\bwhat model\b|\byour name\b|\bare you (?:real|a demo|an? ai)\b", RegexOptions.IgnoreCase)]
    private static partial Regex AboutModelWords();

    [GeneratedRegex(@"\b(?:compare|comparison|difference|differences|versus|pros and cons|trade-?offs?)\b", RegexOptions.IgnoreCase)]
    private static partial Regex CompareWords();

    [GeneratedRegex(@"\b(?:code|function|method|class|implement|script|program|regex|query|snippet|unit test|endpoint)\b", RegexOptions.IgnoreCase)]
    private static partial Regex CodeWords();

    [GeneratedRegex(@"\b(?:formula|equation|calculate|compute|probability|statistics?|integral|derivative|average|variance|math|maths|theorem|solve)\b", RegexOptions.IgnoreCase)]
    private static partial Regex FormulaWords();

    [GeneratedRegex(@"\b(?:how (?:do|can|to|should)|steps?|guide|plan|checklist|set ?up|install|configure|recipe|learn)\b", RegexOptions.IgnoreCase)]
    private static partial Regex StepsWords();

    [GeneratedRegex(@"\b(?:brief|briefly|short|in one (?:sentence|word|line)|tl;?dr|concise|quick)\b", RegexOptions.IgnoreCase)]
    private static partial Regex BriefWords();

    [GeneratedRegex(@"\btables?\b", RegexOptions.IgnoreCase)]
    private static partial Regex TableWords();

    [GeneratedRegex(@"\bhow (?:do|can|should|would|to)\b", RegexOptions.IgnoreCase)]
    private static partial Regex HowTo();

    [GeneratedRegex(
        @"\b(?:c#|\.net|dotnet|java|python|javascript|typescript|rust|go|sql|postgres\w*|database|api|http|server|client|cloud|docker|kubernetes|linux|git|code|program\w*|"
            + @"software|algorithm|data|async|thread\w*|lock\w*|cache|caching|queue|token\w*|model|network|test\w*|deploy\w*|compiler|function|regex|json|blazor|aspire|llm)\b|C#",
        RegexOptions.IgnoreCase)]
    private static partial Regex TechnicalWords();

    [GeneratedRegex(@"\b(?:python|javascript|typescript|sql|postgres|postgresql|bash|shell)\b", RegexOptions.IgnoreCase)]
    private static partial Regex LanguageName();
}
