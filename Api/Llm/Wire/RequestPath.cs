using System.Globalization;
using System.Text;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>Where in a request a reader is: <c>messages[2].content[0].text</c>. Not thread-safe.</summary>
internal sealed class RequestPath
{
    private const int MostNameLength = 100;

    private readonly List<(string? Name, int Index)> _parts = [];

    public void Enter(string name) => _parts.Add((name, 0));

    public void Enter(int index) => _parts.Add((null, index));

    public void Leave() => _parts.RemoveAt(_parts.Count - 1);

    public override string ToString()
    {
        var path = new StringBuilder();
        foreach (var (name, index) in _parts)
        {
            if (name is null)
            {
                path.Append(CultureInfo.InvariantCulture, $"[{index}]");
            }
            else
            {
                path.Append(path.Length == 0 ? "" : ".").Append(name.Length <= MostNameLength ? name : $"{name[..MostNameLength]}…");
            }
        }

        return path.ToString();
    }
}
