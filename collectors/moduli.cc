#include "collectors/moduli.h"

#include <bit>
#include <optional>

#include "collectors/words.h"

namespace metsuke {
namespace {

// What is left of a line; nothing once its last piece was taken.
using Rest = std::optional<std::string_view>;

constexpr std::string_view kBlanks = " \t\r\n";

// The piece up to the next blank, as strsep(3) cuts: two blanks have an empty
// one between them. Empty, too, when nothing is left.
std::string_view NextPiece(Rest& rest) {
  if (!rest) return {};
  const std::string_view text = *rest;
  const size_t end = text.find(' ');
  rest = end == text.npos ? Rest() : Rest(text.substr(end + 1));
  return text.substr(0, end);
}

std::string_view Unblank(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text;
}

// The first word, as sshd cuts lines of its configuration (strdelim in
// misc.c): a "=" or a quoted end separates it, too. Empty, with nothing left,
// when a quote is not closed.
std::string_view FirstWord(Rest& rest) {
  if (!rest) return {};
  const std::string_view text = *rest;
  size_t end = text.find_first_of(" \t\r\n\"=");
  rest.reset();
  if (end == text.npos) return text;
  if (text[end] == '"') {
    const size_t quote = text.find('"', end + 1);
    if (quote == text.npos) return {};
    rest = Unblank(text.substr(quote + 1));
    // Of what is in front and what is quoted only the beginning matters.
    return end > 0 ? text.substr(0, end) : text.substr(1, quote - 1);
  }
  rest = Unblank(text.substr(end + 1));
  if (text[end] != '=' && rest->starts_with('='))
    rest = Unblank(rest->substr(1));
  return text.substr(0, end);
}

// A number as strtonum(3) reads it.
std::optional<int64_t> NumberUpTo(std::string_view piece, int64_t most) {
  piece.remove_prefix(
      std::min(piece.find_first_not_of(" \t\r\n\f\v"), piece.size()));
  const std::optional<int64_t> number = Number(piece);
  return number && *number >= 0 && *number <= most ? number : std::nullopt;
}

// A hexadecimal number as BN_hex2bn(3) reads it: what follows its digits does
// not matter.
struct Hex {
  bool negative = false;
  std::string_view digits;  // without leading zeros
};
std::optional<Hex> HexAt(std::string_view piece) {
  Hex hex;
  hex.negative = piece.starts_with('-');
  piece.remove_prefix(hex.negative ? 1 : 0);
  piece = piece.substr(0, piece.find_first_not_of("0123456789abcdefABCDEF"));
  if (piece.empty()) return std::nullopt;
  hex.digits =
      piece.substr(std::min(piece.find_first_not_of('0'), piece.size()));
  return hex;
}

unsigned Digit(char c) {
  if (c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

size_t BitsOf(const Hex& hex) {
  if (hex.digits.empty()) return 0;
  return 4 * (hex.digits.size() - 1) +
         static_cast<size_t>(std::bit_width(Digit(hex.digits[0])));
}

// What a line is: a group of so many bits, none, or damaged.
struct Line {
  uint32_t bits = 0;
  const char* damage = nullptr;
};

Line Damaged(const char* how) { return {0, how}; }

constexpr char kCutOff[] = "it is cut off";

// The size and what follows it, the generator and the prime.
Line ReadGroup(Rest& rest) {
  const auto size = NumberUpTo(NextPiece(rest), 65536);
  if (!rest) return Damaged(kCutOff);
  if (!size || *size == 0) return Damaged("its size is none");
  const std::string_view generator = NextPiece(rest);
  if (!rest || generator.empty()) return Damaged(kCutOff);
  const std::string_view prime = NextPiece(rest);
  if (rest) return Damaged("it goes on after the prime");
  if (prime.empty()) return Damaged(kCutOff);
  const std::optional<Hex> g = HexAt(generator), p = HexAt(prime);
  if (!g || g->negative || g->digits.empty() || g->digits == "1")
    return Damaged("its generator is none");
  // The field is one less than the size of the prime.
  const auto bits = static_cast<uint32_t>(*size + 1);
  if (!p || BitsOf(*p) != bits)
    return Damaged("its prime has another size than it says");
  return {bits};
}

Line ReadLine(std::string_view text) {
  Rest rest = text.substr(0, text.find('\0'));
  std::string_view word = FirstWord(rest);
  if (word.empty()) word = FirstWord(rest);  // the line is indented
  if (word.empty() || word.starts_with('#')) return {};
  if (!rest) return Damaged(kCutOff);

  constexpr int64_t kSafe = 2, kComposite = 1;
  const auto type = NumberUpTo(NextPiece(rest), 5);
  if (!rest) return Damaged(kCutOff);
  if (!type) return Damaged("its type is none");
  if (*type != kSafe) return {};
  const auto tests = NumberUpTo(NextPiece(rest), 31);
  if (!rest) return Damaged(kCutOff);
  if (!tests) return Damaged("its tests are none");
  if ((*tests & kComposite) != 0 || *tests == 0) return {};
  const auto tries = NumberUpTo(NextPiece(rest), 1 << 30);
  if (!rest) return Damaged(kCutOff);
  if (!tries) return Damaged("its tries are none");
  if (*tries == 0) return {};
  return ReadGroup(rest);
}

}  // namespace

Moduli ParseModuli(std::string_view text) {
  Moduli moduli;
  int number = 0;
  while (!text.empty()) {
    ++number;
    // With its newline, as getline(3) has it.
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    const Line line = ReadLine(text.substr(0, end));
    text.remove_prefix(end);
    if (line.damage != nullptr)
      moduli.damaged.emplace_back(number, line.damage);
    if (line.bits > 0) ++moduli.groups[line.bits];
  }
  return moduli;
}

}  // namespace metsuke
