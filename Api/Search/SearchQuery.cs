using System.Linq.Expressions;
using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore.Query;

namespace LlmAspire.Api.Search;

/// <summary>
/// What somebody looks for, as they type it: parts of words, of which a text must have all, in any order; <c>"a phrase"</c>, <c>-without</c>, <c>this or that</c>. Case does not
/// matter. All other characters mean themselves, <c>%</c>, <c>_</c> and <c>\</c> too.
/// </summary>
internal sealed partial class SearchQuery
{
    /// <summary>PostgreSQL keeps 32 patterns at hand, and makes more anew for each text. More words than this are taken as one phrase: somebody pasted them.</summary>
    private const int MaxTerms = 16;

    /// <summary>A text has all terms of one of them.</summary>
    private readonly IReadOnlyList<IReadOnlyList<SearchTerm>> _alternatives;

    private readonly Lazy<Func<string, bool>> _isIn;

    private SearchQuery(IReadOnlyList<IReadOnlyList<SearchTerm>> alternatives)
    {
        _alternatives = alternatives;
        _isIn = new(() => In<string>(text => text).Compile(preferInterpretation: true));
        AnyPattern = string.Join('|', alternatives.SelectMany(terms => terms).Where(term => !term.IsExcluded).Select(term => term.Pattern));
    }

    /// <summary>Where one of the terms is; empty, which is the beginning of each text, when there are only excluded ones.</summary>
    public string AnyPattern { get; }

    /// <param name="text">What somebody typed: not blank.</param>
    public static SearchQuery Parse(string text)
    {
        var tokens = Token().Matches(text);
        if (tokens.Count > MaxTerms)
        {
            return new SearchQuery([[new SearchTerm(text.Trim())]]);
        }

        List<List<SearchTerm>> alternatives = [[]];
        foreach (var (index, token) in tokens.Index())
        {
            if (token.Value.Equals("or", StringComparison.OrdinalIgnoreCase) && alternatives[^1].Count > 0 && index < tokens.Count - 1)
            {
                alternatives.Add([]);
            }
            else
            {
                alternatives[^1].Add(new SearchTerm($"{token.Groups["phrase"].ValueSpan.TrimEnd()}{token.Groups["word"].ValueSpan}", token.Groups["not"].Success));
            }
        }

        return new SearchQuery(alternatives);
    }

    /// <summary>Whether it is in a text.</summary>
    public bool IsIn(string text) => _isIn.Value(text);

    /// <summary>The rows that have it in a text; PostgreSQL looks through them.</summary>
    public Expression<Func<TRow, bool>> In<TRow>(Expression<Func<TRow, string>> text)
    {
        var body = _alternatives.Select(terms => terms.Select(term => Has(term, text.Body)).Aggregate(Expression.AndAlso)).Aggregate(Expression.OrElse);
        return Expression.Lambda<Func<TRow, bool>>(body, text.Parameters);
    }

    private static Expression Has(SearchTerm term, Expression text)
    {
        var has = term.Patterns.Select(pattern => Has(pattern, text)).Aggregate(Expression.AndAlso);
        return term.IsExcluded ? Expression.Not(has) : has;
    }

    private static Expression Has(string pattern, Expression text)
    {
        // The option is the one with which the pattern goes to PostgreSQL as it is.
        Expression<Func<string, bool>> has = value => Regex.IsMatch(value, pattern, RegexOptions.Singleline);
        return ReplacingExpressionVisitor.Replace(has.Parameters[0], text, has.Body);
    }

    /// <summary>A minus before a blank or another one, such as in <c>--help</c>, and a quotation mark without a second one are characters as any other.</summary>
    [GeneratedRegex("""(?<not>-(?=[^\s-]))?(?:"\s*(?<phrase>[^"\s][^"]*)"|(?<word>\S+))""", RegexOptions.ExplicitCapture)]
    private static partial Regex Token();
}
