/* A PKCS#11 module for tests, in front of another one: it passes everything on, but what a file says otherwise.
 *
 * SCEAU_BAD_DAYS_BEHIND  the module behind it
 * SCEAU_BAD_DAYS_ORDERS  a file of lines "<function> delay <milliseconds>", "<function> answer <CK_RV>", "<function> hang", each of which
 *                        may end with "once": the file is emptied then. "C_DecryptInit without <CK_MECHANISM_TYPE>" answers as a
 *                        token that does not have that mechanism. Read at each call; calls that hang or are answered here are told in
 *                        <file>.told.
 * SCEAU_BAD_DAYS_NSS     that it is softoken of NSS, and the parameters that this wants at C_Initialize
 *
 * All arguments of the functions below are pointers or unsigned long (PKCS#11 v2.40, 5), so they are passed on as the latter. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef unsigned long word;
typedef word (*function)(word, word, word, word, word);
/* CK_FUNCTION_LIST: a version, then the functions in the order of the specification (pkcs11f.h). */
struct list {
  unsigned char version[sizeof(void *)];
  function of[68];
};
/* CK_ATTRIBUTE. */
struct attribute {
  word type;
  unsigned char *value;
  word length;
};
/* CK_C_INITIALIZE_ARGS as softoken has it. */
struct arguments {
  void *create, *destroy, *lock, *unlock;
  word flags;
  char **parameters;
  void *reserved;
};

enum { INITIALIZE = 0, GET_FUNCTION_LIST = 3, OPEN_SESSION = 12, LOGIN = 18, DESTROY_OBJECT = 22, GET_ATTRIBUTE_VALUE = 24, FIND_OBJECTS_INIT = 26, DECRYPT_INIT = 33, DECRYPT = 34, SIGN_INIT = 42, SIGN = 43, UNWRAP_KEY = 61 };

static struct list *behind, ours;
static void rest(long milliseconds) {
  struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void tell(const char *path, const char *name, const char *what) {
  char beside[4096];
  snprintf(beside, sizeof beside, "%s.told", path);
  FILE *file = fopen(beside, "a");
  if (!file) return;
  fprintf(file, "%s %s\n", name, what);
  fclose(file);
}

/* What the file says of this call, whose second argument is a mechanism where it begins something: the answer, or 0 where it is passed on. */
static word ordered(const char *name, const word *mechanism) {
  const char *path = getenv("SCEAU_BAD_DAYS_ORDERS");
  for (int hung = 0;; hung = 1) {
    FILE *file = path ? fopen(path, "r") : NULL;
    char line[200], of[40], what[20], rest_of[100];
    int hangs = 0, once = 0;
    word answer = 0;
    while (file && fgets(line, sizeof line, file)) {
      rest_of[0] = 0;
      if (sscanf(line, "%39s %19s %99[^\n]", of, what, rest_of) < 2 || strcmp(of, name)) continue;
      once |= strstr(rest_of, "once") != NULL;
      word value = strtoul(rest_of, NULL, 0);
      if (!strcmp(what, "delay")) rest((long)value);
      if (!strcmp(what, "answer")) answer = value;
      if (!strcmp(what, "hang")) hangs = 1;
      if (!strcmp(what, "without") && *mechanism == value) answer = 0x70; /* CKR_MECHANISM_INVALID */
    }
    if (file) fclose(file);
    if (once) truncate(path, 0);
    if (answer) tell(path, name, "is answered");
    if (!hangs) return answer;
    if (!hung) tell(path, name, "hangs");
    rest(5);
  }
}

#define PASSED_ON(name, which)                                       \
  static word name(word a, word b, word c, word d, word e) {         \
    word answer = ordered(#name, (const word *)b);                   \
    return answer ? answer : behind->of[which](a, b, c, d, e);       \
  }
PASSED_ON(C_OpenSession, OPEN_SESSION)
PASSED_ON(C_Login, LOGIN)
PASSED_ON(C_DestroyObject, DESTROY_OBJECT)
PASSED_ON(C_FindObjectsInit, FIND_OBJECTS_INIT)
PASSED_ON(C_DecryptInit, DECRYPT_INIT)
PASSED_ON(C_Decrypt, DECRYPT)
PASSED_ON(C_SignInit, SIGN_INIT)
PASSED_ON(C_Sign, SIGN)

static word initialize(word given, word b, word c, word d, word e) {
  char *parameters = getenv("SCEAU_BAD_DAYS_NSS");
  if (!parameters) return behind->of[INITIALIZE](given, b, c, d, e);
  struct arguments arguments = {NULL, NULL, NULL, NULL, 2 /* CKF_OS_LOCKING_OK */, (char **)parameters, NULL};
  return behind->of[INITIALIZE]((word)&arguments, 0, 0, 0, 0);
}

/* Softoken does not say of a key where it was made, nor of an RSA key that it stays. Who tries here how softoken uses keys has it said for it: CKA_SENSITIVE,
 * CKA_LOCAL, CKA_NEVER_EXTRACTABLE and CKA_ALWAYS_SENSITIVE are true, CKA_EXTRACTABLE is false. */
static word get_attribute_value(word session, word object, word asked, word count, word e) {
  struct attribute *attributes = (struct attribute *)asked;
  word answer = 0;
  for (word at = 0; at < count; at++) {
    struct attribute *one = &attributes[at];
    if (one->type == 0x103 || (one->type >= 0x162 && one->type <= 0x165)) {
      if (one->value) *one->value = one->type != 0x162;
      one->length = 1;
      continue;
    }
    word told = behind->of[GET_ATTRIBUTE_VALUE](session, object, (word)one, 1, e);
    if (told) answer = told;
  }
  return answer;
}

/* Softoken wants the point beside a key on a curve that it unwraps (CKA_NSS_DB), which no standard knows: any octets do. */
static word unwrap_key(word session, word mechanism, word key, word wrapped, word length, word given, word count, word handle) {
  word answer = ordered("C_UnwrapKey", (const word *)mechanism);
  if (answer) return answer;
  const struct attribute *asked = (const struct attribute *)given;
  struct attribute more[32];
  for (word at = 0; getenv("SCEAU_BAD_DAYS_NSS") && at < count && count < 32; at++) {
    more[at] = asked[at];
    if (asked[at].type != 0x100 || *(word *)asked[at].value != 3 /* CKA_KEY_TYPE, CKK_EC */) continue;
    more[count].type = 0xD5A0DB00;
    more[count].value = (unsigned char *)"any";
    more[count].length = 3;
    given = (word)more;
  }
  word (*behind_it)(word, word, word, word, word, word, word, word) = (void *)behind->of[UNWRAP_KEY];
  return behind_it(session, mechanism, key, wrapped, length, given, count + (given == (word)more), handle);
}

__attribute__((visibility("default"))) word C_GetFunctionList(struct list **list) {
  void *module = dlopen(getenv("SCEAU_BAD_DAYS_BEHIND"), RTLD_NOW | RTLD_LOCAL);
  word (*get)(struct list **) = module ? (word(*)(struct list **))dlsym(module, "C_GetFunctionList") : NULL;
  if (!get) return 5; /* CKR_GENERAL_ERROR */
  word answer = get(&behind);
  if (answer) return answer;
  ours = *behind;
  ours.of[INITIALIZE] = initialize;
  ours.of[GET_FUNCTION_LIST] = (function)(void *)C_GetFunctionList;
  ours.of[OPEN_SESSION] = C_OpenSession;
  ours.of[LOGIN] = C_Login;
  ours.of[DESTROY_OBJECT] = C_DestroyObject;
  ours.of[FIND_OBJECTS_INIT] = C_FindObjectsInit;
  ours.of[DECRYPT_INIT] = C_DecryptInit;
  ours.of[DECRYPT] = C_Decrypt;
  ours.of[SIGN_INIT] = C_SignInit;
  ours.of[SIGN] = C_Sign;
  ours.of[UNWRAP_KEY] = (function)(void *)unwrap_key;
  if (getenv("SCEAU_BAD_DAYS_NSS")) ours.of[GET_ATTRIBUTE_VALUE] = get_attribute_value;
  *list = &ours;
  return 0;
}
